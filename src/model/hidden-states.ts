import { InputError } from '../common/errors.js';
import type { ModelConfig } from '../formats/hf-config.js';
import type { Checkpoint } from '../formats/safetensors.js';
import { input } from '../graph/primitives.js';
import { int64, Session, zeros } from '../graph/session.js';
import type { Weights } from './blocks.js';
import { forward } from './forward.js';
import { checkpointWeights } from './weights.js';

/** A model as it lies in its folder. */
export interface ModelFiles {
  config: ModelConfig;
  checkpoint: Checkpoint;
}

/** Throws InputError when an id is not in the model's vocabulary. */
export function requireIds(ids: ArrayLike<number>, { config, checkpoint }: ModelFiles): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] ?? -1;
    if (id >= 0 && id < config.vocabSize) continue;
    const advice = 'use the tokenizer.json that belongs to the model';
    throw new InputError(`token ${id} is not in the vocabulary of ${config.vocabSize}; ${advice}`, checkpoint.dir);
  }
}

/**
 * Runs a model up to its head over sequences of one length. Graphs have fixed shapes; only that of the latest shape is
 * kept, so callers do well to sort their work by shape.
 */
export class HiddenStates {
  private readonly weights: Weights;
  private compiled: { batch: number; sequence: number; session: Session } | undefined;

  constructor(
    private readonly model: ModelFiles,
    private readonly threads: number,
  ) {
    this.weights = checkpointWeights(model.checkpoint);
  }

  /**
   * The stream after the last layer, [batch*sequence, H], of ids [batch*sequence], row-major; each sequence starts at
   * position 0. Throws InputError when an id is not in the model's vocabulary.
   */
  async run(ids: ArrayLike<number>, sequence: number): Promise<Float32Array> {
    requireIds(ids, this.model);
    const session = await this.session(ids.length / sequence, sequence);
    const out = zeros([ids.length, this.model.config.hiddenSize]);
    await session.run({ ids: int64(ids, [ids.length]) }, { hidden: out });
    return out.data as Float32Array;
  }

  async release(): Promise<void> {
    await this.compiled?.session.release();
    this.compiled = undefined;
  }

  private async session(batch: number, sequence: number): Promise<Session> {
    const { compiled, model } = this;
    if (compiled?.batch === batch && compiled.sequence === sequence) return compiled.session;
    await this.release();
    const ids = input('ids', [batch * sequence], 'int64');
    const hidden = forward({ config: model.config, batch, sequence }, this.weights, ids).hidden.at(-1);
    if (hidden === undefined) throw new Error('a forward program has at least the embedding');
    const session = await Session.create({ hidden }, { threads: this.threads });
    this.compiled = { batch, sequence, session };
    return session;
  }
}
