import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../../src/common/random.js';

// A working directory as the pipeline writes it: JSON with an indent of 2, every field of its data classes there, null or not.

type Json = Record<string, unknown>;

const common = { replace_with_linear: false, sparsify: null, weights_precision: 'bf16' };
export const attention = (kvHeads: number | null): Json => ({
  ...{ no_op: kvHeads === null, ...common, num_key_value_heads: kvHeads, llama4: null, mamba: null },
});
export const ffn = (width: number | null): Json => ({
  ...{ no_op: width === null, ...common, moe: null, intermediate_size: width },
});
export const block = (kvHeads: number | null, width: number | null): Json => ({
  ...{ attention: attention(kvHeads), ffn: ffn(width), parallel_blocks: null },
});

const TEACHER = block(8, 14_336);
const HALVES = { attention: [8, null], ffn: [14_336, 8704, null] } as const;

export interface PuzzletronFiles {
  library: Json[];
  stats: Json[];
  /** By file name. */
  validation: Record<string, Json>;
}

const entryOf = (layer: number, config: Json): Json => {
  const kept = (['attention', 'ffn'] as const).filter((half) => !(config[half] as { no_op: boolean }).no_op);
  return {
    parent_layer_indices: [layer],
    child_block_configs: [config],
    weight_paths: kept.map((half) => `/puzzle/ckpts/x/subblocks_safetensors/block_${layer}_${half}.safetensors`),
  };
};

/** Halves on a Llama-3.1-8B in bf16 at a batch of 96, 4096 + 4096 tokens. */
function subblocks(): Json[] {
  const rows = [
    ...HALVES.attention.map((kv) => {
      const parameters = kv === null ? 0 : 2 * 4096 * 4096 + 2 * 4096 * kv * 128 + 4096;
      const cache = kv === null ? 0 : (96 * 8192 * 2 * kv * 128 * 2) / 2 ** 20;
      return { config: attention(kv), class: 'AttentionConfig', parameters, cache };
    }),
    ...HALVES.ffn.map((width) => {
      const parameters = width === null ? 0 : 3 * 4096 * width + 4096;
      return { config: ffn(width), class: 'FFNConfig', parameters, cache: 0 };
    }),
  ];
  return rows.map((row) => ({
    subblock_config: row.config,
    subblock_config_class: row.class,
    ...{ runtime_ms: null, prefill_runtime_ms: null, decode_runtime_ms: null },
    ...{ num_params: row.parameters, active_params: row.parameters, parent_layer_index: 0 },
    ...{ memory_mib: (2 * row.parameters) / 2 ** 20 + row.cache, kv_cache_memory_mib: row.cache },
  }));
}

const metric = (avg: number): Json => ({ avg, per_sample: [0.9 * avg, 1.1 * avg] });

/** Every pair of halves in every layer, with made-up losses. */
export function puzzletronFiles(layers: number): PuzzletronFiles {
  const random = Random.of(7, 'puzzletron');
  const library: Json[] = [];
  const validation: Record<string, Json> = { 'teacher.json': { lm_loss: metric(1.1183), args: { teacher_dir: '/t' } } };
  for (let layer = 0; layer < layers; layer++) {
    for (const kv of HALVES.attention) {
      for (const width of HALVES.ffn) {
        const config = block(kv, width);
        const entry = entryOf(layer, config);
        library.push(entry);
        if (kv === 8 && width === 14_336) continue;
        const kl = 0.01 + 0.3 * random.next() + (kv === null ? 0.1 : 0) + (width === null ? 0.4 : 0);
        const index = Object.keys(validation).length - 1;
        const configs = Array.from({ length: layers }, (_, l) => (l === layer ? config : TEACHER));
        validation[`solution_${index}.json`] = {
          ...{ lm_loss: metric(1.1183 + kl), kl_div: metric(kl), cosine_embedding_loss_hidden_states: metric(kl / 3) },
          ...{ i_solution: index, args: {} },
          puzzle_solution: {
            single_sequence_replacement: entry,
            chosen_replacements: configs.map((one, l) => entryOf(l, one)),
            block_configs: configs,
          },
        };
      }
    }
  }
  const args = {
    ...{ gpu: 'NVIDIA H100', batch_size: 96, prefill_seq_len: 4096, generation_seq_len: 4096, n_embd: 4096 },
    ...{ runtime_stats: false, weights_dtype: 'torch.bfloat16', kv_cache_dtype: 'torch.bfloat16' },
  };
  const nonBlock = { runtime_ms: null, memory_mib: 2004, num_params: 1_050_677_248 };
  return { library, stats: [{ args, non_block: nonBlock, subblocks: subblocks() }], validation };
}

export async function writePuzzletron(dir: string, { library, stats, validation }: PuzzletronFiles): Promise<void> {
  const folder = join(dir, 'single_sequence_replacement_solutions--validation');
  await mkdir(folder, { recursive: true });
  const write = (file: string, json: unknown) => writeFile(file, JSON.stringify(json, null, 2));
  await write(join(dir, 'replacement_library.json'), library);
  await write(join(dir, 'subblock_stats.json'), stats);
  for (const [name, json] of Object.entries(validation)) await write(join(folder, name), json);
}
