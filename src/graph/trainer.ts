import { adamw, ADAMW, type AdamWOptions, stepInputs, stepScalars } from './adamw.js';
import { gradients } from './gradient.js';
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
  /** The other named outputs of the loss graph, one number each. */
  extras: Record<string, number>;
}

/** A differentiable objective over named parameters: the loss, and further one-element values worth reporting. */
export interface Objective {
  loss: Value;
  extras?: Readonly<Record<string, Value>>;
}

/** The forward part of the step graph, compiled when first asked for. */
interface Evaluation {
  readonly outputs: Record<string, Value>;
  readonly options: SessionOptions;
  session: Session | undefined;
}

function evaluationOutputs({ loss, extras = {} }: Objective): Record<string, Value> {
  return { loss, ...Object.fromEntries(Object.entries(extras).map(([name, value]) => [`extra.${name}`, value])) };
}

/**
 * Minimises an objective with AdamW. The whole step (forward, backward, update) is one compiled graph from batch and
 * state to loss and new state; the state lives in two sets of tensors that take turns as input and output, so a step
 * allocates nothing and copies nothing.
 */
export class Trainer {
  private step_ = 0;

  private constructor(
    private readonly session: Session,
    private readonly options: AdamWOptions,
    private readonly extraNames: readonly string[],
    private current: Record<string, Tensor>,
    private spare: Record<string, Tensor>,
    private readonly names: readonly string[],
    private readonly evaluation: Evaluation,
  ) {}

  static async create(
    parameters: Parameters,
    objective: (values: Record<string, Value>) => Objective,
    options: Partial<AdamWOptions> & SessionOptions = {},
  ): Promise<Trainer> {
    const adamOptions = { ...ADAMW, ...options };
    const names = Object.keys(parameters);
    const entries = Object.entries(parameters);
    const slots = entries.map(([name, { shape }]) => ({
      parameter: input(`parameter.${name}`, shape),
      first: input(`first.${name}`, shape),
      second: input(`second.${name}`, shape),
    }));
    const { loss, extras = {} } = objective(
      Object.fromEntries(names.map((name, i) => [name, slots[i]?.parameter as Value])),
    );
    const grads = gradients(
      loss,
      slots.map((slot) => slot.parameter),
    );
    const { slots: updated, norm } = adamw(slots, grads, stepInputs(), adamOptions);
    const outputs: Record<string, Value> = { ...evaluationOutputs({ loss, extras }), norm };
    updated.forEach((slot, i) => {
      for (const [kind, value] of Object.entries(slot)) outputs[`new.${kind}.${names[i] ?? ''}`] = value as Value;
    });
    const session = await Session.create(outputs, options);
    const evaluation = { outputs: evaluationOutputs({ loss, extras }), options, session: undefined };
    const state = (fill: boolean): Record<string, Tensor> =>
      Object.fromEntries(
        entries.flatMap(([name, { shape, data }]) => [
          [`parameter.${name}`, fill ? float32(Float32Array.from(data), shape) : zeros(shape)],
          [`first.${name}`, zeros(shape)],
          [`second.${name}`, zeros(shape)],
        ]),
      );
    return new Trainer(session, adamOptions, Object.keys(extras), state(true), state(false), names, evaluation);
  }

  /** Steps done so far. */
  get steps(): number {
    return this.step_;
  }

  /** One update at a learning rate; `batch` feeds the objective's own inputs. */
  async step(batch: Tensors, learningRate: number): Promise<StepResult> {
    this.step_ += 1;
    const scalars = stepScalars(this.step_, learningRate, this.options);
    const feeds: Record<string, Tensor> = { ...batch, ...this.current };
    // Only the inputs that the graph really has: no decay input without weight decay.
    for (const [name, value] of Object.entries(scalars)) feeds[`step.${name}`] = float32(Float32Array.of(value), []);
    const into = Object.fromEntries(Object.entries(this.spare).map(([name, tensor]) => [`new.${name}`, tensor]));
    const results = await this.session.run(feeds, into);
    [this.current, this.spare] = [this.spare, this.current];
    const number = (name: string) => Number(results[name]?.data[0]);
    return {
      loss: number('loss'),
      norm: number('norm'),
      extras: Object.fromEntries(this.extraNames.map((name) => [name, number(`extra.${name}`)])),
    };
  }

  /** The objective at the present parameters, without an update. Compiled at its first use. */
  async evaluate(batch: Tensors): Promise<Omit<StepResult, 'norm'>> {
    this.evaluation.session ??= await Session.create(this.evaluation.outputs, this.evaluation.options);
    const results = await this.evaluation.session.run({ ...batch, ...this.current });
    const number = (name: string) => Number(results[name]?.data[0]);
    return {
      loss: number('loss'),
      extras: Object.fromEntries(this.extraNames.map((name) => [name, number(`extra.${name}`)])),
    };
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
    await this.evaluation.session?.release();
  }
}
