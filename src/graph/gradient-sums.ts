import { add, input, mul } from './primitives.js';
import { Session, type SessionOptions, type Tensor, type Tensors, zeros } from './session.js';
import type { Value } from './value.js';

/** Gradients of several batches, added up in place: what one step needs in memory is what one of the batches needs. */
export class GradientSums {
  private constructor(
    private readonly session: Session,
    private readonly sums: Readonly<Record<string, Tensor>>,
  ) {}

  /** `gradients` by the names of their parameters, from the same inputs as `loss`. */
  static async create(
    loss: Value,
    gradients: Readonly<Record<string, Value>>,
    options: SessionOptions,
  ): Promise<GradientSums> {
    const named = Object.entries(gradients).map(([name, gradient]) => [`sum.${name}`, gradient] as const);
    const outputs = named.map(([name, gradient]) => [name, add(input(name, gradient.shape), gradient)] as const);
    // The inputs have the same names as the outputs, so each output is published under another one.
    const session = await Session.create(
      { loss, ...Object.fromEntries(outputs.map(([name, value]) => [`new.${name}`, value])) },
      options,
    );
    return new GradientSums(session, Object.fromEntries(named.map(([name, { shape }]) => [name, zeros(shape)])));
  }

  /** The mean over `count` batches, as the graph of an update sees it. */
  static mean(name: string, gradient: Value, count: number): Value {
    return mul(input(`sum.${name}`, gradient.shape), 1 / count);
  }

  /** Replaces the sums by those of `batches` at some parameters; returns the mean loss. */
  async of(batches: readonly Tensors[], parameters: Tensors): Promise<number> {
    for (const { data } of Object.values(this.sums)) (data as Float32Array).fill(0);
    const into = Object.fromEntries(Object.entries(this.sums).map(([name, tensor]) => [`new.${name}`, tensor]));
    let total = 0;
    for (const batch of batches) {
      const { loss } = await this.session.run({ ...batch, ...parameters, ...this.sums }, into);
      total += Number(loss?.data[0]);
    }
    return total / batches.length;
  }

  /** Feeds of the graph of an update. */
  get tensors(): Tensors {
    return this.sums;
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
