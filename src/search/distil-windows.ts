import { Random } from '../common/random.js';
import { float32, type Tensors } from '../graph/session.js';
import type { DistilPayload } from './distil.js';
import { HiddenReader } from './hidden-file.js';

const HELD_OUT_SHARE = 1 / 16;

/** The cached activations as batches: seeded random sequences for training, the last ones held out. */
export class Windows {
  private readonly heldOutCount: number;
  private readonly order: number[];

  private constructor(
    private readonly payload: DistilPayload,
    private readonly inputs: HiddenReader,
    private readonly targets: HiddenReader,
  ) {
    const { sequences, batch, seed, layer, half, variant } = payload;
    this.heldOutCount = Math.max(batch, Math.round((sequences * HELD_OUT_SHARE) / batch) * batch);
    const training = Math.max(1, sequences - this.heldOutCount);
    const random = Random.of(seed, 'distil', layer, half, variant);
    const steps = Math.ceil(payload.tokens / (batch * payload.sequenceLength));
    const epochs = Math.ceil((steps * batch) / training);
    this.order = Array.from({ length: epochs }, () =>
      random.shuffle(Array.from({ length: training }, (_, i) => i)),
    ).flat();
  }

  static async open(payload: DistilPayload, width: number): Promise<Windows> {
    return new Windows(
      payload,
      await HiddenReader.open(payload.inputFile, width),
      await HiddenReader.open(payload.targetFile, width),
    );
  }

  get heldOutBatches(): number {
    return this.heldOutCount / this.payload.batch;
  }

  /** The batch of training step 1, 2, … */
  training(step: number): Promise<Tensors> {
    const { batch } = this.payload;
    return this.read(this.order.slice((step - 1) * batch, step * batch));
  }

  heldOut(i: number): Promise<Tensors> {
    const { batch, sequences } = this.payload;
    const first = sequences - this.heldOutCount + i * batch;
    return this.read(Array.from({ length: batch }, (_, j) => Math.max(0, first + j)));
  }

  async close(): Promise<void> {
    await this.inputs.close();
    await this.targets.close();
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
