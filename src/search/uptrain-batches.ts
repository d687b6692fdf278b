import { Random } from '../common/random.js';
import { int64, type Tensors } from '../graph/session.js';
import { readTokens, type TokenFile } from './data.js';

export interface BatchSettings {
  /** Sequences per step, and of those at a time. */
  batch: number;
  microBatch: number;
  seed: number;
}

/** Validation sequences: enough to tell improvements from noise, few enough to be quick. */
const MAX_VALIDATION_SEQUENCES = 32;

/** The batches of a run, a function of the step alone: seeded epochs over the training sequences. */
export class Batches {
  private constructor(
    private readonly train: Int32Array,
    private readonly held: Int32Array,
    private readonly sequence: number,
    private readonly settings: BatchSettings,
  ) {}

  static async open(data: { train: TokenFile; validation: TokenFile }, settings: BatchSettings): Promise<Batches> {
    return new Batches(
      await readTokens(data.train),
      await readTokens(data.validation),
      data.train.sequenceLength,
      settings,
    );
  }

  /** Micro-batches of the validation: the same sequences, however many are taken at a time. */
  get validationBatches(): number {
    const { batch, microBatch } = this.settings;
    const sequences = Math.min(MAX_VALIDATION_SEQUENCES, this.held.length / this.sequence);
    return Math.max(1, Math.floor(sequences / batch)) * (batch / microBatch);
  }

  /** The micro-batches of training step 1, 2, … */
  training(step: number): Tensors[] {
    const count = this.train.length / this.sequence;
    const { batch, microBatch, seed } = this.settings;
    const picks = Array.from({ length: batch }, (_, i) => {
      const index = (step - 1) * batch + i;
      return this.epochOrder(Math.floor(index / count), count, seed)[index % count] ?? 0;
    });
    return Array.from({ length: batch / microBatch }, (_, i) =>
      this.rows(this.train, picks.slice(i * microBatch, (i + 1) * microBatch)),
    );
  }

  validation(i: number): Tensors {
    const count = this.held.length / this.sequence;
    return this.rows(
      this.held,
      Array.from({ length: this.settings.microBatch }, (_, j) => (i * this.settings.microBatch + j) % count),
    );
  }

  private order: { epoch: number; sequences: number[] } | undefined;

  private epochOrder(epoch: number, count: number, seed: number): number[] {
    if (this.order?.epoch !== epoch) {
      const sequences = Random.of(seed, 'uptrain', epoch).shuffle(Array.from({ length: count }, (_, i) => i));
      this.order = { epoch, sequences };
    }
    return this.order.sequences;
  }

  private rows(tokens: Int32Array, sequences: readonly number[]): Tensors {
    const ids = sequences.flatMap((index) => [...tokens.subarray(index * this.sequence, (index + 1) * this.sequence)]);
    return { ids: int64(ids, [ids.length]) };
  }
}
