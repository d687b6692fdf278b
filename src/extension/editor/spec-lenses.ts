import type { RUN_STATES } from '../../protocol/run.js';

/** The state of a spec's run, or that there is none. */
export type SpecCondition = (typeof RUN_STATES)[number] | 'none';

export type SpecLens = 'start' | 'resume' | 'pause' | 'cancel' | 'solve' | 'open';

/** What stands above a spec, by the state of its run. */
export const SPEC_LENSES: Readonly<Record<SpecCondition, readonly SpecLens[]>> = {
  none: ['start', 'solve', 'open'],
  running: ['pause', 'cancel', 'solve', 'open'],
  paused: ['resume', 'cancel', 'solve', 'open'],
  failed: ['resume', 'solve', 'open'],
  cancelled: ['resume', 'solve', 'open'],
  interrupted: ['resume', 'solve', 'open'],
  // Of a spec that has changed since, or of the same again.
  done: ['start', 'solve', 'open'],
};

const MODEL_FIELD = /"(model_type|architectures|block_configs)"\s*:/;
const LAYERS_FIELD = /"(num_hidden_layers|n_layers?|num_layers|text_config|llm_config|language_config)"\s*:/;

/** Whether a `config.json` is a language model's, as far as a look at its field names tells. */
export function isModelConfig(text: string): boolean {
  return MODEL_FIELD.test(text) && LAYERS_FIELD.test(text);
}
