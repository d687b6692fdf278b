// A memory limit and nothing else: the child that fits, and what it really takes.
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { modelCosts, SERVED_DTYPE, type Workload } from '../../src/model/accounting.js';
import { enumerateVariants } from '../../src/model/variants.js';
import { readJsonFile } from '../../src/formats/json-file.js';
import { writeJson } from '../../src/run/artifacts.js';
import { chosenShapes } from '../../src/search/chosen-shapes.js';
import { openModel, timedWorkload } from '../../src/search/context.js';
import { startSearch } from '../../src/search/pipeline.js';
import type { SolvedArchitecture } from '../../src/search/solve.js';
import { SOLUTION_FILE } from '../../src/search/stored-solution.js';
import { storedSpec } from '../../src/search/stored-spec.js';
import { largestBatch } from '../../src/target/largest-batch.js';
import { createExecutor } from '../../src/worker/executor.js';
import { type Lab, runDirOf } from './lab.js';
import type { HeldMemory } from './memory-probe.js';
import type { Cell, Table } from './table.js';

const LIMITS_MIB = [96, 64, 48, 32];
const MIB = 2 ** 20;
const PROBE = path.join(import.meta.dirname, 'memory-probe.ts');

interface Row {
  limitMib: number;
  /** KL is not told: the child is not uptrained here. */
  parametersKept: number;
  batch: number;
  predictedBytes: number;
  held: HeldMemory;
}

/** For each limit the child of the example, at the largest batch that fits it by prediction. */
export async function memory(lab: Lab): Promise<Table> {
  const [subject] = lab.subjects;
  if (subject === undefined) throw new Error('the example is always there');
  const rows: Row[] = [];
  for (const limitMib of LIMITS_MIB) {
    const spec = { ...subject.spec, limits: { memory: `<= ${limitMib} MiB` } };
    lab.say(`memory: ${limitMib} MiB`);
    rows.push(
      await lab.store.once('memory', { spec, version: lab.version }, async () => {
        const file = lab.store.folder(subject.name, 'memory.puzzle.json');
        await writeJson(file, spec);
        const runDir = runDirOf(lab, subject);
        await startSearch(file, runDir, { executor: createExecutor(), until: 'assemble' });
        return fitted(runDir, limitMib);
      }),
    );
  }
  return tableOf(rows);
}

async function fitted(runDir: string, limitMib: number): Promise<Row> {
  const spec = await storedSpec(runDir);
  const { parent, space } = spec;
  const workload = timedWorkload(spec);
  const { config } = await openModel(parent);
  const { architecture } = (await readJsonFile(path.join(runDir, SOLUTION_FILE), MIB)) as SolvedArchitecture;
  const dir = await assembledWith(runDir, chosenShapes(enumerateVariants(config, space), architecture));
  const child = await openModel(dir);
  const costs = (of: typeof config) =>
    modelCosts(of, { weights: SERVED_DTYPE, context: workload.prefill + workload.generated });
  const { batch, bytes } = largestBatch(costs(child.config), workload, limitMib * MIB);
  if (batch === null || batch === 0) throw new Error(`no batch of this child is the largest within ${limitMib} MiB`);
  return {
    limitMib,
    parametersKept: costs(child.config).parameters / costs(config).parameters,
    ...{ batch, predictedBytes: bytes },
    held: await heldBy(dir, { ...workload, batch }),
  };
}

/** The assembled child with these layers. */
async function assembledWith(runDir: string, layers: unknown): Promise<string> {
  for (const name of await readdir(path.join(runDir, 'assembled'))) {
    const dir = path.join(runDir, 'assembled', name);
    if (isDeepStrictEqual((await openModel(dir)).config.layers, layers)) return dir;
  }
  throw new Error(`${runDir} holds no such child`);
}

async function heldBy(dir: string, workload: Workload): Promise<HeldMemory> {
  const args = ['--import', 'tsx', PROBE, dir, JSON.stringify(workload)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as HeldMemory;
}

function tableOf(rows: readonly Row[]): Table {
  const mib = (bytes: number) => (bytes / MIB).toFixed(2);
  return {
    note: 'The example, whose own weights and KV cache take 134.8 MiB at its workload (32 sequences of 256 tokens), under a memory limit and no other. The largest batch is the one that fits by prediction. Held: the weights in F32 and the tensors of the KV cache as allocated. Resident: growth of the whole process, with the buffers of the runtime, which no prediction covers.',
    columns: ['limit, MiB', 'parameters kept', 'largest batch', 'predicted, MiB', 'held, MiB', 'resident, MiB'],
    rows: rows.map(({ limitMib, parametersKept, batch, predictedBytes, held }): Cell[] => [
      limitMib,
      `${(100 * parametersKept).toFixed(1)}%`,
      batch,
      mib(predictedBytes),
      mib(held.weightBytes + held.cacheBytes),
      mib(held.residentBytes),
    ]),
    findings: rows.map(({ limitMib, predictedBytes, held }) => {
      const off = (held.weightBytes + held.cacheBytes) / predictedBytes - 1;
      return `${limitMib} MiB: what is held differs from the prediction by ${(100 * off).toFixed(2)}%`;
    }),
  };
}
