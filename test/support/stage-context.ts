import { type ModelConfig, parseModelConfig } from '../../src/formats/hf-config.js';
import type { Run } from '../../src/run/run.js';
import { budgets, type SearchContext, timedWorkload } from '../../src/search/context.js';
import { parseSpec } from '../../src/search/spec.js';

/** A parent so small that timing it takes milliseconds. */
export function tinyConfig(layers = 2): ModelConfig {
  return parseModelConfig(
    {
      ...{ model_type: 'llama', architectures: ['LlamaForCausalLM'], hidden_act: 'silu' },
      ...{ hidden_size: 16, num_attention_heads: 4, num_key_value_heads: 4, num_hidden_layers: layers },
      ...{ intermediate_size: 32, vocab_size: 64, max_position_embeddings: 64, tie_word_embeddings: true },
    },
    'tiny',
  );
}

/** The context of stages that need nothing of the parent but its configuration, and no task processes. */
export function stageContext(run: Run, config: ModelConfig, spec: Record<string, unknown>): SearchContext {
  const parsed = parseSpec(JSON.stringify({ parent: 'none', data: { text: 'none' }, ...spec }), 'test spec');
  return {
    run,
    spec: parsed,
    parent: { dir: 'none', config, checkpoint: { dir: 'none', entries: new Map() } },
    parentHash: 'none',
    budgets: budgets(parsed, config),
    executor: () => Promise.reject(new Error('no task processes here')),
    threads: 1,
    workload: timedWorkload(parsed),
  };
}
