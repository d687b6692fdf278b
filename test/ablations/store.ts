import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { isFile, readJsonFile } from '../../src/formats/json-file.js';
import { writeJson } from '../../src/run/artifacts.js';
import { taskKey } from '../../src/run/task-key.js';

const MAX_RESULT_BYTES = 64 * 2 ** 20;

/** Results by the hash of everything that determines them: what is there is not computed again. */
export class Store {
  private constructor(readonly dir: string) {}

  static async open(dir: string): Promise<Store> {
    await mkdir(path.join(dir, 'results'), { recursive: true });
    return new Store(dir);
  }

  /** A folder of its own for something larger, such as a run directory. */
  folder(...names: string[]): string {
    return path.join(this.dir, ...names);
  }

  /** The stored result of `compute`, which is plain JSON, or a new one. */
  async once<Result>(kind: string, inputs: unknown, compute: () => Promise<Result>): Promise<Result> {
    const file = path.join(this.dir, 'results', `${kind}-${taskKey(kind, inputs).slice(0, 12)}.json`);
    if (await isFile(file)) return (await readJsonFile(file, MAX_RESULT_BYTES)) as Result;
    const result = await compute();
    await writeJson(file, result);
    return result;
  }
}
