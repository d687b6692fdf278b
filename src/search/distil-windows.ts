import { Random } from '../common/random.js';
import { float32, type Tensors } from '../graph/session.js';
import type { Half } from '../model/names.js';
import { HiddenReader } from './hidden-file.js';

/** Cached activations, and how they are gone through. Paths are absolute. */
export interface WindowSource {
  layer: number;
  /** What is trained: together with the layer it stands for an order of the sequences of its own. */
  half: Half | 'pair';
  variant: string;
  /** What enters what is trained, and what leaves the layer, in the parent. */
  inputFile: string;
  targetFile: string;
  /** Cached sequences; the last ones are held out. */
  sequences: number;
  sequenceLength: number;
  /** Sequences per step. */
  batch: number;
  /** Training tokens at most; 0 only measures the loss. */
  tokens: number;
  seed: number;
}

const HELD_OUT_SHARE = 1 / 16;

/** How many of the cached sequences, the last ones, are never trained on: whole batches where there are enough. */
export function heldOutSequences(sequences: number, batch: number): number {
  const wholeBatches = Math.max(batch, Math.round((sequences * HELD_OUT_SHARE) / batch) * batch);
  // Of few sequences half are held out: a loss on what was trained on would say nothing.
  return Math.min(wholeBatches, Math.floor(sequences / 2));
}

/** The cached activations as batches: seeded random sequences for training, the last ones held out. */
export class Windows implements AsyncDisposable {
  private readonly heldOutCount: number;
  private readonly order: number[];

  private constructor(
    private readonly payload: WindowSource,
    private readonly inputs: HiddenReader,
    private readonly targets: HiddenReader,
  ) {
    const { sequences, batch, seed, layer, half, variant } = payload;
    this.heldOutCount = heldOutSequences(sequences, batch);
    const training = sequences - this.heldOutCount;
    const random = Random.of(seed, 'distil', layer, half, variant);
    const epochs = Math.ceil((this.steps * batch) / training);
    this.order = Array.from({ length: epochs }, () =>
      random.shuffle(Array.from({ length: training }, (_, i) => i)),
    ).flat();
  }

  static async open(payload: WindowSource, width: number): Promise<Windows> {
    const inputs = await HiddenReader.open(payload.inputFile, width);
    try {
      return new Windows(payload, inputs, await HiddenReader.open(payload.targetFile, width));
    } catch (error) {
      await inputs[Symbol.asyncDispose]();
      throw error;
    }
  }

  get heldOutBatches(): number {
    return Math.ceil(this.heldOutCount / this.payload.batch);
  }

  /** Training steps that take as many tokens as allowed. */
  get steps(): number {
    return Math.ceil(this.payload.tokens / this.tokensPerStep);
  }

  get tokensPerStep(): number {
    return this.payload.batch * this.payload.sequenceLength;
  }

  /** The batch of training step 1, 2, … */
  training(step: number): Promise<Tensors> {
    const { batch } = this.payload;
    return this.read(this.order.slice((step - 1) * batch, step * batch));
  }

  heldOut(i: number): Promise<Tensors> {
    const { batch, sequences } = this.payload;
    const first = sequences - this.heldOutCount;
    // The last batch is filled up from the first one.
    return this.read(Array.from({ length: batch }, (_, j) => first + ((i * batch + j) % this.heldOutCount)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inputs[Symbol.asyncDispose]();
    await this.targets[Symbol.asyncDispose]();
  }

  private async read(sequences: readonly number[]): Promise<Tensors> {
    const { sequenceLength } = this.payload;
    const gather = async (reader: HiddenReader) => {
      const rows = new Float32Array(sequences.length * sequenceLength * reader.width);
      for (const [i, sequence] of sequences.entries()) {
        rows.set(await reader.read(sequence * sequenceLength, sequenceLength), i * sequenceLength * reader.width);
      }
      return float32(rows, [sequences.length * sequenceLength, reader.width]);
    };
    return { x: await gather(this.inputs), target: await gather(this.targets) };
  }
}
