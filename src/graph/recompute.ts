import { barrier } from './primitives.js';
import { type Primitive, Value } from './value.js';

/**
 * What a backward pass reads of the forward pass when only some values are held in memory until then: everything else is
 * computed again from those (activation checkpointing, Chen et al., "Training deep nets with sublinear memory cost").
 *
 * The held values cut the graph into segments, met in reverse. A segment is computed again behind a barrier: not before
 * the gradients of the segment after it are there, whose own copies are then out of use.
 */
export class Recomputation {
  private readonly stored = new Set<Value>();
  private copies = new Map<Value, Value>();
  private gated = new Map<Value, Value>();
  private gates: readonly Value[] = [];
  private finished = new Map<Value, Value>();

  /** `order`: the whole graph, operands first. */
  constructor(
    private readonly held: ReadonlySet<Value>,
    order: readonly Value[],
  ) {
    for (const value of order) {
      // Weights that are only converted are not activations: a copy would be a second set of weights.
      const weight = value.inputs.every((operand) => this.stored.has(operand) && !operand.is('input'));
      if (weight) this.stored.add(value);
    }
  }

  /** Told of every value in reverse order, before its gradients are asked for. */
  enter(value: Value): void {
    if (!this.held.has(value) || this.finished.size === 0) return;
    this.gates = [...this.finished.values()];
    this.finished = new Map();
    this.copies = new Map();
    this.gated = new Map();
  }

  /** Told of each gradient that is as far as the present segment can bring it. */
  leave(operand: Value, cotangent: Value): void {
    if (this.isThere(operand)) this.finished.set(operand, cotangent);
  }

  /** `value` as its gradient rule is to see it: itself in the last segment, and where all it is made of was held. */
  again(value: Value): Value {
    const all = this.gates.length === 0 || [value, ...value.inputs].every((x) => this.isThere(x));
    return all ? value : this.copy(value);
  }

  /** Whether a value is in memory during the backward pass in any case. */
  private isThere(value: Value): boolean {
    return this.held.has(value) || this.stored.has(value);
  }

  private operand(value: Value): Value {
    if (this.stored.has(value)) return value;
    return this.held.has(value) ? remembered(this.gated, value, () => barrier(value, this.gates)) : this.copy(value);
  }

  /** Recursive: a segment is a layer, not a whole model. */
  private copy(value: Value): Value {
    return remembered(this.copies, value, () => {
      const operands = value.inputs.map((operand) => this.operand(operand));
      return new Value<Primitive>(value.primitive, operands, value.params, value.shape, value.dtype);
    });
  }
}

function remembered(known: Map<Value, Value>, value: Value, make: () => Value): Value {
  const made = known.get(value) ?? make();
  known.set(value, made);
  return made;
}
