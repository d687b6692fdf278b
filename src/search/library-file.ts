import { InputError } from '../common/errors.js';
import { isRecord, readJsonFile } from '../formats/json-file.js';
import { quote, quoteValue } from '../formats/quote.js';
import type { Choice, Problem } from '../solver/problem.js';

const MAX_BYTES = 256 * 2 ** 20;
const MAX_LAYERS = 10_000;
const MAX_CHOICES = 10_000;
const MAX_COSTS = 100;
const MAX_NAME = 1000;
const VERSION = 1;

/** What a `*.puzzle-library.json` holds: a problem without limits. `docs/library-file.md` describes it. */
export type LibraryFile = Pick<Problem, 'layers' | 'nonBlock'>;

/**
 * Reads a library in the neutral format. Every choice must have the same costs; unknown keys are refused, so that one
 * with a typing error is not passed over.
 *
 * @throws InputError naming the file, the key and the reason
 */
export async function readLibraryFile(path: string): Promise<LibraryFile> {
  return parseLibraryFile(await readJsonFile(path, MAX_BYTES), path);
}

/** Checks parsed JSON as {@link readLibraryFile} does. */
export function parseLibraryFile(json: unknown, path: string): LibraryFile {
  const file = new Reader(path);
  const root = file.object(json, '', ['version', 'nonBlock', 'layers']);
  if (root['version'] !== VERSION) {
    file.refuse('version', `is ${quoteValue(root['version'])}; this program reads ${VERSION}`);
  }
  const layers = file.list(root['layers'], 'layers', MAX_LAYERS).map((layer, l) => {
    const key = `layers[${l}]`;
    const { choices } = file.object(layer, key, ['choices']);
    return {
      choices: file
        .list(choices, `${key}.choices`, MAX_CHOICES)
        .map((choice, c) => readChoice(file, choice, `${key}.choices[${c}]`)),
    };
  });
  const names = Object.keys(layers[0]?.choices[0]?.costs ?? {});
  for (const [l, { choices }] of layers.entries()) {
    for (const [c, { costs }] of choices.entries()) file.sameKeys(costs, names, `layers[${l}].choices[${c}].costs`);
  }
  const nonBlock = file.costs(root['nonBlock'], 'nonBlock');
  const unknown = Object.keys(nonBlock).find((name) => !names.includes(name));
  if (unknown !== undefined) file.refuse(`nonBlock.${quote(unknown)}`, 'is a cost that the choices do not have');
  return { nonBlock, layers };
}

function readChoice(file: Reader, json: unknown, key: string): Choice {
  const { name, score, costs } = file.object(json, key, ['name', 'score', 'costs']);
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME) {
    return file.refuse(`${key}.name`, `is ${quoteValue(name)}; it must be a text of 1 to ${MAX_NAME} characters`);
  }
  return { name, score: file.number(score, `${key}.score`), costs: file.costs(costs, `${key}.costs`) };
}

/** Says of every refusal where it is. */
class Reader {
  constructor(private readonly path: string) {}

  refuse(key: string, reason: string): never {
    throw new InputError(reason, key === '' ? this.path : `${this.path}: ${key}`);
  }

  object(json: unknown, key: string, keys: readonly string[]): Record<string, unknown> {
    if (!isRecord(json)) return this.refuse(key, `is ${quoteValue(json)}; it must be an object`);
    this.sameKeys(json, keys, key);
    return json;
  }

  list(json: unknown, key: string, most: number): unknown[] {
    if (!Array.isArray(json)) return this.refuse(key, `is ${quoteValue(json)}; it must be a list`);
    if (json.length === 0 || json.length > most) {
      return this.refuse(key, `has ${json.length} entries; it must have 1 to ${most}`);
    }
    return json;
  }

  number(json: unknown, key: string): number {
    if (typeof json === 'number' && Number.isFinite(json)) return json;
    return this.refuse(key, `is ${quoteValue(json)}; it must be a finite number`);
  }

  costs(json: unknown, key: string): Record<string, number> {
    if (!isRecord(json)) return this.refuse(key, `is ${quoteValue(json)}; it must be an object of numbers`);
    const entries = Object.entries(json);
    if (entries.length > MAX_COSTS) {
      return this.refuse(key, `has ${entries.length} costs; at most ${MAX_COSTS} are read`);
    }
    return Object.fromEntries(entries.map(([name, value]) => [name, this.number(value, `${key}.${quote(name)}`)]));
  }

  sameKeys(json: Record<string, unknown>, keys: readonly string[], key: string): void {
    const missing = keys.find((name) => !Object.hasOwn(json, name));
    if (missing !== undefined) this.refuse(key, `lacks ${quote(missing)}`);
    const unknown = Object.keys(json).find((name) => !keys.includes(name));
    if (unknown !== undefined) this.refuse(key, `has ${quote(unknown)}, where only ${keys.join(', ')} can stand`);
  }
}
