import { adamw, ADAMW, type AdamWOptions, stepInputs, stepScalars } from './adamw.js';
import { gradients } from './gradient.js';
import { GradientSums } from './gradient-sums.js';
import { input } from './primitives.js';
import { float32, Session, type SessionOptions, type Tensor, type Tensors, zeros } from './session.js';
import type { Shape, Value } from './value.js';

/** A tensor to be trained: its name, shape and starting value. */
export interface Parameter {
  shape: Shape;
  data: Float32Array;
}

export type Parameters = Readonly<Record<string, Parameter>>;

export interface StepResult {
  /** The loss before the update. */
  loss: number;
  /** The gradient's L2 norm before clipping. */
  norm: number;
}

export interface TrainerOptions extends AdamWOptions, SessionOptions {
  /** Batches whose mean gradient makes one step. Default 1. */
  microBatches: number;
}

/** A differentiable objective over named parameters: the loss, and further one-element values worth reporting. */
export interface Objective {
  loss: Value;
  extras?: Readonly<Record<string, Value>>;
  /** What stays in memory for the backward pass; everything else is computed again. Default: all of it stays. */
  held?: ReadonlySet<Value>;
}

/** The forward part of the step graph, compiled when first asked for. */
interface Evaluation {
  readonly outputs: Record<string, Value>;
  readonly options: SessionOptions;
  session: Session | undefined;
}

/**
 * Minimises an objective with AdamW. The whole step (forward, backward, update) is one compiled graph from batch and
 * state to loss and new state; the state lives in two sets of tensors that take turns as input and output, so a step
 * allocates nothing and copies nothing. With several micro-batches a step, their gradients are added up by a graph of
 * their own, before that of the update.
 */
export class Trainer {
  private step_ = 0;

  private constructor(
    private readonly session: Session,
    private readonly sums: GradientSums | undefined,
    private readonly options: AdamWOptions,
    private current: Record<string, Tensor>,
    private spare: Record<string, Tensor>,
    private readonly names: readonly string[],
    private readonly evaluation: Evaluation,
  ) {}

  static async create(
    parameters: Parameters,
    objective: (values: Record<string, Value>) => Objective,
    options: Partial<TrainerOptions> = {},
  ): Promise<Trainer> {
    const { microBatches = 1, ...adamOptions } = { ...ADAMW, ...options };
    const names = Object.keys(parameters);
    const entries = Object.entries(parameters);
    const slots = entries.map(([name, { shape }]) => ({
      parameter: input(`parameter.${name}`, shape),
      first: input(`first.${name}`, shape),
      second: input(`second.${name}`, shape),
    }));
    const {
      loss,
      extras = {},
      held,
    } = objective(Object.fromEntries(names.map((name, i) => [name, slots[i]?.parameter as Value])));
    const grads = gradients(
      loss,
      slots.map((slot) => slot.parameter),
      held,
    );
    const named = Object.fromEntries(names.map((name, i) => [name, grads[i] as Value]));
    const sums = microBatches > 1 ? await GradientSums.create(loss, named, options) : undefined;
    const means = sums && Object.entries(named).map(([name, value]) => GradientSums.mean(name, value, microBatches));
    const { slots: updated, norm } = adamw(slots, means ?? grads, stepInputs(), adamOptions);
    const outputs: Record<string, Value> = { ...(sums === undefined ? { loss } : {}), norm };
    updated.forEach((slot, i) => {
      for (const [kind, value] of Object.entries(slot)) outputs[`new.${kind}.${names[i] ?? ''}`] = value as Value;
    });
    const session = await Session.create(outputs, options);
    const evaluation = { outputs: { ...extras, loss }, options, session: undefined };
    const state = (fill: boolean): Record<string, Tensor> =>
      Object.fromEntries(
        entries.flatMap(([name, { shape, data }]) => [
          [`parameter.${name}`, fill ? float32(Float32Array.from(data), shape) : zeros(shape)],
          [`first.${name}`, zeros(shape)],
          [`second.${name}`, zeros(shape)],
        ]),
      );
    return new Trainer(session, sums, adamOptions, state(true), state(false), names, evaluation);
  }

  /** Steps done so far. */
  get steps(): number {
    return this.step_;
  }

  /** One update at a learning rate; `batch` feeds the objective's own inputs. */
  async step(batch: Tensors, learningRate: number): Promise<StepResult> {
    return this.stepOver([batch], learningRate);
  }

  /** One update by the mean gradient of as many batches as this trainer was made for. */
  async stepOver(microBatches: readonly Tensors[], learningRate: number): Promise<StepResult> {
    this.step_ += 1;
    const meanLoss = await this.sums?.of(microBatches, this.current);
    const scalars = stepScalars(this.step_, learningRate, this.options);
    const feeds: Record<string, Tensor> = { ...(this.sums?.tensors ?? microBatches[0]), ...this.current };
    // Only the inputs that the graph really has: no decay input without weight decay.
    for (const [name, value] of Object.entries(scalars)) feeds[`step.${name}`] = float32(Float32Array.of(value), []);
    const into = Object.fromEntries(Object.entries(this.spare).map(([name, tensor]) => [`new.${name}`, tensor]));
    const results = await this.session.run(feeds, into);
    [this.current, this.spare] = [this.spare, this.current];
    return { loss: meanLoss ?? Number(results['loss']?.data[0]), norm: Number(results['norm']?.data[0]) };
  }

  /** The objective at the present parameters, without an update. Compiled at its first use. */
  async evaluate(batch: Tensors): Promise<{ loss: number; extras: Record<string, number> }> {
    this.evaluation.session ??= await Session.create(this.evaluation.outputs, this.evaluation.options);
    const results = await this.evaluation.session.run({ ...batch, ...this.current });
    const { loss = Number.NaN, ...extras } = Object.fromEntries(
      Object.entries(results).map(([name, { data }]) => [name, Number(data[0])]),
    );
    return { loss, extras };
  }

  /** The trained tensors as they are now: views that the step after next overwrites, so copy what must last. */
  parameters(): Record<string, Parameter> {
    return Object.fromEntries(
      this.names.map((name) => {
        const tensor = this.current[`parameter.${name}`];
        if (!(tensor?.data instanceof Float32Array)) throw new Error(`no parameter "${name}"`);
        return [name, { shape: tensor.shape, data: tensor.data }];
      }),
    );
  }

  /** Everything a later process needs to go on from here with the same result: parameters, moments and step count. */
  state(): { steps: number; tensors: Record<string, Tensor> } {
    return { steps: this.step_, tensors: this.current };
  }

  /** Goes on from a stored state. */
  restore(steps: number, tensors: Readonly<Record<string, Float32Array>>): void {
    for (const [name, tensor] of Object.entries(this.current)) {
      const stored = tensors[name];
      if (stored?.length !== tensor.data.length) throw new Error(`the stored training state does not fit: ${name}`);
      (tensor.data as Float32Array).set(stored);
    }
    this.step_ = steps;
  }

  async release(): Promise<void> {
    await this.session.release();
    await this.sums?.release();
    await this.evaluation.session?.release();
  }
}
