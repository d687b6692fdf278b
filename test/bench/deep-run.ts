// A run of a model as deep as the deepest that are published, scored and measured by a formula: for what has to be drawn.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readModelConfig } from '../../src/formats/hf-config.js';
import { enumerateVariants, type LayerVariants, type Variant } from '../../src/model/variants.js';
import { writeJson } from '../../src/run/artifacts.js';
import { createRun } from '../../src/run/run.js';
import type { Stage } from '../../src/run/events.js';
import { defaultRunDir } from '../../src/search/run-dir.js';
import { COSTS_FILE, LIBRARY_FILE, SCORES_FILE } from '../../src/search/run-files.js';
import { readSpec, resolveSpec } from '../../src/search/spec.js';
import { tableKey } from '../../src/target/table.js';

export const LAYERS = 126;
/** Six attentions by nine FFNs. */
export const CHOICES = 54;

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  ...{ hidden_size: 1024, num_hidden_layers: LAYERS, num_attention_heads: 16, num_key_value_heads: 8 },
  ...{ intermediate_size: 4096, vocab_size: 1024, rms_norm_eps: 1e-5, rope_theta: 10_000 },
  ...{ max_position_embeddings: 2048, tie_word_embeddings: true, torch_dtype: 'bfloat16' },
};
const SPEC = {
  parent: 'parent',
  data: { text: 'text.txt' },
  space: { ffn: { percents: [75, 60, 50, 40, 25, 10] } },
  target: { engine: 'table', file: 'costs.json', workload: { batch: 8, prefill: 128, generated: 128 } },
  limits: { throughput: '>= 1.8x' },
};
/** What is done: everything that a solution is made from. */
const DONE: readonly Stage[] = ['space', 'distil', 'score', 'measure'];

/** Writes model, spec and run into `folder`, which exists; returns the spec's path. */
export async function writeDeepRun(folder: string): Promise<string> {
  const file = path.join(folder, 'deep.puzzle.json');
  await mkdir(path.join(folder, SPEC.parent));
  await writeJson(path.join(folder, SPEC.parent, 'config.json'), CONFIG);
  await writeFile(path.join(folder, SPEC.data.text), 'Once upon a time.');
  await writeJson(file, SPEC);
  const spec = resolveSpec(await readSpec(file), file);
  const parent = await readModelConfig(spec.parent);
  const layers = enumerateVariants(parent, spec.space);
  for (const { attention, ffn } of layers) {
    if (attention.length * ffn.length !== CHOICES) throw new Error(`${attention.length} × ${ffn.length} choices`);
  }
  const costs = {
    version: 1,
    nonBlock: { prefillSeconds: 0.01, decodeSeconds: 0.001 },
    variants: Object.fromEntries(
      layers.flatMap(({ attention, ffn }) =>
        [...attention, ...ffn].map((variant) => {
          const seconds = 1e-3 * sizeOf(variant);
          return [tableKey(parent, variant), { prefillSeconds: seconds, decodeSeconds: seconds / 10 }];
        }),
      ),
    ),
  };
  await writeJson(path.join(folder, SPEC.target.file), costs);

  const run = await createRun(defaultRunDir(file), { spec });
  for (const stage of DONE) {
    run.append({ type: 'stage-started', stage, total: 1 });
    run.append({ type: 'stage-finished', stage });
  }
  await writeJson(run.path(COSTS_FILE), costs);
  await writeJson(run.path(SCORES_FILE), layers.map(scores));
  await writeJson(run.path(LIBRARY_FILE), layers.flatMap(trained));
  run.append({ type: 'run-cancelled' });
  await run.close();
  return file;
}

/** Share of the parent's own, for times and scores that fall with it. */
function sizeOf({ shape }: Variant): number {
  switch (shape.kind) {
    case 'no-op':
      return 0;
    case 'linear':
      return 0.1;
    case 'gqa':
      return 0.4 + 0.6 * (shape.kvHeads / CONFIG.num_key_value_heads);
    case 'gated':
      return shape.width / CONFIG.intermediate_size;
  }
}

/** The middle layers lose least, as they do in real models. */
function scoreOf(layer: number, variant: Variant): number {
  const end = Math.abs(2 * (layer / (LAYERS - 1)) - 1);
  return 0.01 * (1 - sizeOf(variant)) ** 2 * (1 + 4 * end ** 2);
}

function scores({ attention, ffn }: LayerVariants, layer: number): unknown {
  const of = (variants: readonly Variant[]) =>
    Object.fromEntries(variants.map((variant) => [variant.name, scoreOf(layer, variant)]));
  return { attention: of(attention), ffn: of(ffn) };
}

function trained({ attention, ffn }: LayerVariants, layer: number): unknown[] {
  return [...attention, ...ffn].map((variant) => {
    const lossAfter = 1 - sizeOf(variant);
    return { layer, half: variant.half, variant: variant.name, lossBefore: 2 * lossAfter, lossAfter };
  });
}
