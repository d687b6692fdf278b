import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../../src/common/random.js';
import { enumerateVariants } from '../../src/model/variants.js';
import { tableKey } from '../../src/target/table.js';
import { EXAMPLE_VOCABULARY, writeModelFolder } from './model-folder.js';
import { randomWeights, tinyConfig } from './tiny-model.js';

/** A parent of three layers and random weights with the example's tokenizer: BF16, tied, 50,000 parameters. */
const PARENT = tinyConfig({
  vocabSize: EXAMPLE_VOCABULARY,
  tieWordEmbeddings: true,
  dtype: 'BF16',
  layers: Array.from({ length: 3 }, () => ({
    attention: { kind: 'gqa', kvHeads: 4 },
    ffn: { kind: 'gated', width: 48 },
  })),
});

const SPACE = {
  attention: { kvHeads: [1], linear: false, noOp: true },
  ffn: { percents: [50], multiple: 8, linear: true, noOp: false },
};
const WORKLOAD = { batch: 2, prefill: 8, generated: 8 };
/** Seconds of each variant, in prefill and in one decode step: smaller is quicker. */
const SECONDS: Record<string, number> = {
  'attention/kv4': 4e-3,
  'attention/kv1': 2e-3,
  'ffn/ffn-100%': 6e-3,
  'ffn/ffn-50%': 3e-3,
  'ffn/linear': 1e-3,
};

/** The fields of a spec, any of them. */
export type SpecChanges = Record<string, unknown>;

/** A spec of a whole search in a few seconds, deterministic to the byte: one process, one thread, costs from a table. */
export function tinySpec(changes: SpecChanges = {}): SpecChanges {
  return {
    parent: 'parent',
    data: { text: 'text.txt', sequenceLength: 16 },
    tasks: ['task.jsonl'],
    space: SPACE,
    target: { engine: 'table', file: 'costs.json', workload: WORKLOAD },
    limits: { throughput: '>= 1.7x', memory: '<= 97%' },
    distil: { tokens: 512, distinctTokens: 512, batch: 4 },
    score: { tokens: 256 },
    search: { interactions: false },
    uptrain: { tokens: 1280, batch: 4, validateEvery: 4 },
    evaluate: { tokens: 256, pairs: 1 },
    ...{ seed: 3, processes: 1, threads: 1 },
    ...changes,
  };
}

/** The engine that measures, in place of the table. */
export const MEASURED = { engine: 'onnxruntime', threads: 1, workload: WORKLOAD };

/** The files of a tiny search in `dir`: parent, text, task, costs and `tiny.puzzle.json`, whose path is returned. */
export async function writeTinySearch(dir: string, changes: SpecChanges = {}): Promise<string> {
  const parent = join(dir, 'parent');
  await mkdir(parent, { recursive: true });
  await writeModelFolder(parent, PARENT, randomWeights(PARENT));
  await writeFile(join(dir, 'text.txt'), stories().join('\n\n'));
  const items = Array.from({ length: 6 }, (_, i) => ({ context: 'A dog', choices: [' ran', ' sat'], answer: i % 2 }));
  await writeFile(join(dir, 'task.jsonl'), items.map((item) => JSON.stringify(item)).join('\n'));
  await writeFile(join(dir, 'costs.json'), JSON.stringify(costTable()));
  return writeSpec(dir, tinySpec(changes));
}

export async function writeSpec(dir: string, spec: SpecChanges): Promise<string> {
  const file = join(dir, 'tiny.puzzle.json');
  await writeFile(file, JSON.stringify(spec, null, 2));
  return file;
}

/** The run directory of the spec in `dir`. */
export function tinyRun(dir: string): string {
  return join(dir, '.puzzle', 'tiny');
}

/** A few hundred documents of words without sense. */
function stories(): string[] {
  const random = Random.of(1, 'stories');
  const words = 'the a dog cat ran sat saw old red tree house and then but with to in on'.split(' ');
  const sentence = () => `${Array.from({ length: 12 }, () => words[random.below(words.length)]).join(' ')}.`;
  return Array.from({ length: 300 }, sentence);
}

function costTable(): unknown {
  const variants = enumerateVariants(PARENT, SPACE).flatMap(({ attention, ffn }) => [...attention, ...ffn]);
  const keys = variants.filter(({ shape }) => shape.kind !== 'no-op').map((variant) => tableKey(PARENT, variant));
  const row = (key: string) => {
    const seconds = SECONDS[key];
    if (seconds === undefined) throw new Error(`no seconds for ${key}`);
    return { prefillSeconds: seconds, decodeSeconds: seconds / 4 };
  };
  return {
    version: 1,
    source: 'made up',
    workload: WORKLOAD,
    nonBlock: { prefillSeconds: 2e-3, decodeSeconds: 5e-4 },
    variants: Object.fromEntries([...new Set(keys)].map((key) => [key, row(key)])),
  };
}
