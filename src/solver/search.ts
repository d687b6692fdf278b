import { lagrangian, price } from './lagrangian.js';
import type { Candidate, Program } from './program.js';

/**
 * Values closer than this are equal (a layer's scores spread over at most 1 here). Far above what rounding does to a sum
 * over the layers, far below what a score can mean.
 */
export const TIE = 1e-9;

export interface SearchOptions {
  /** Starting multiplier per row, at least zero. Any values are correct; those of the linear relaxation are good. */
  multipliers: readonly number[];
  /** Price per unit by which a row may be exceeded; absent: rows must hold. */
  penalties?: readonly number[];
  /** Only answers below this value matter. */
  below?: number;
  /** Stop at the first answer instead of the best. */
  first?: boolean;
  /** Leave out what would improve the value by no more than this. Default: a tie. */
  gap?: number;
  /** An answer that is known; not used where it exceeds a row. */
  incumbent?: readonly Candidate[];
  maxNodes?: number;
  /** In milliseconds of `performance.now()`. */
  deadline?: number;
}

export interface SearchResult {
  /** The best answer found: a candidate per layer. */
  best: Candidate[] | undefined;
  /** Its value: scores plus penalties. Infinity without an answer. */
  value: number;
  /** Nothing else has a lower value; -Infinity where nothing is known. Without an answer below `below`: at least that. */
  bound: number;
  /** True: no other architecture has the value of `best`. False: there may be one. */
  unique: boolean;
  nodes: number;
  /** False where `maxNodes`, `deadline` or `first` ended it. */
  finished: boolean;
}

/** A part of the space: some layers decided, the others with the candidates that may still matter. */
interface Node {
  /** Per layer; a decided one has one candidate. */
  layers: readonly (readonly Candidate[])[];
  multipliers: readonly number[];
  bound: number;
}

const ROOT_STEPS = 60;
const NODE_STEPS = 4;
/** The clock is read once in so many nodes. */
const NODES_PER_CLOCK = 64;
const ROUNDING = 1e-12;

/**
 * Branch and bound on reduced costs. Every node is bounded by the Lagrangian; candidates whose reduced cost reaches the
 * best known value leave, and the layer whose second best candidate costs most is split, best candidate first: the rest
 * of its candidates are soon left out. A bound is valid for any multipliers, so the answer never depends on how good
 * they are; only the time does.
 */
export function search(program: Program, options: SearchOptions): SearchResult {
  return new Search(program, options).run();
}

class Search {
  private best: Candidate[] | undefined;
  private value: number;
  private readonly gap: number;
  private readonly penalties: readonly number[] | undefined;
  private readonly rooms: readonly number[];
  private lowestLeft = Infinity;
  private nodes = 0;
  private stopped = false;

  constructor(
    private readonly program: Program,
    private readonly options: SearchOptions,
  ) {
    this.penalties = options.penalties;
    this.rooms = program.rows.map((row) => row.room);
    this.gap = Math.max(options.gap ?? 0, TIE);
    // No answer reaches the sum of the highest scores plus one, so a bound that does proves that there is none.
    const ceiling = program.layers.reduce((sum, layer) => sum + Math.max(...layer.map(({ score }) => score)), 1);
    this.value = options.below ?? (this.penalties === undefined ? ceiling : Infinity);
  }

  run(): SearchResult {
    if (this.options.incumbent !== undefined) this.decided(this.options.incumbent);
    this.visit({ layers: this.program.layers, multipliers: this.options.multipliers, bound: -Infinity }, ROOT_STEPS);
    return {
      best: this.best,
      value: this.best === undefined ? Infinity : this.value,
      bound: Math.min(this.lowestLeft, this.value),
      unique: this.lowestLeft > this.value + 2 * TIE,
      nodes: this.nodes,
      finished: !this.stopped,
    };
  }

  /** What a bound must reach for its part of the space to be left out. */
  private get cutoff(): number {
    return this.value - (this.best === undefined ? TIE : this.gap);
  }

  private visit(node: Node, steps: number): void {
    if (this.mustStop()) {
      this.leaveOut(node.bound);
      return;
    }
    this.nodes++;
    const layers = this.penalties === undefined ? this.withinRoom(node.layers) : node.layers;
    if (layers === undefined) return;
    const { bound, multipliers } = this.ascend(layers, node, steps);
    if (this.stopped || bound >= this.cutoff) {
      this.leaveOut(bound);
      return;
    }
    const split = this.fixByReducedCost(layers, multipliers, bound);
    if (split.children.length === 0) {
      this.decided(split.layers.flat());
      return;
    }
    for (const { candidate, bound: childBound } of split.children) {
      if (childBound >= this.cutoff) {
        this.leaveOut(childBound);
        continue;
      }
      const childLayers = split.layers.with(candidate.layer, [candidate]);
      this.visit({ layers: childLayers, multipliers, bound: childBound }, NODE_STEPS);
    }
  }

  /** The layers without the candidates that exceed a row even beside the smallest of the others; undefined: none fit. */
  private withinRoom(layers: Node['layers']): Node['layers'] | undefined {
    let left = layers;
    for (const [k, room] of this.rooms.entries()) {
      const least = left.map((candidates) => leastUsage(candidates, k));
      const spare = room - least.reduce((a, b) => a + b, 0) + ROUNDING * least.length;
      if (spare < 0) return undefined;
      left = left.map((candidates, layer) => {
        const most = (least[layer] as number) + spare;
        return candidates.every((c) => (c.usage[k] as number) <= most)
          ? candidates
          : candidates.filter((c) => (c.usage[k] as number) <= most);
      });
    }
    return left;
  }

  /** Raises the bound by subgradient steps from the node's multipliers, and offers every architecture met on the way. */
  private ascend(layers: Node['layers'], node: Node, steps: number): { bound: number; multipliers: readonly number[] } {
    let bound = node.bound;
    let multipliers = node.multipliers;
    let best = -Infinity;
    let at = node.multipliers;
    for (let step = 0; step < steps; step++) {
      const { value, argmin, excess } = lagrangian(layers, this.rooms, at);
      if (value > best) {
        best = value;
        multipliers = at;
        bound = Math.max(bound, value);
      }
      this.offer(argmin, excess);
      if (this.stopped || bound >= this.cutoff) break;
      const direction = excess.map((x, k) => (blocked(x, at[k] as number, this.penalties?.[k]) ? 0 : x));
      const norm = direction.reduce((sum, x) => sum + x * x, 0);
      if (norm < ROUNDING * ROUNDING) break;
      const target = Math.min(this.value, best + Math.max(1e-3, Math.abs(best) * 2e-3));
      const length = (target - value) / norm / (1 + 0.3 * step);
      at = at.map((x, k) =>
        Math.min(Math.max(0, x + length * (direction[k] as number)), this.penalties?.[k] ?? Infinity),
      );
    }
    return { bound, multipliers };
  }

  /** Takes out candidates that cannot be in a better answer, and chooses the layer to split. */
  private fixByReducedCost(
    layers: Node['layers'],
    multipliers: readonly number[],
    bound: number,
  ): { layers: (readonly Candidate[])[]; children: { candidate: Candidate; bound: number }[] } {
    let children: { candidate: Candidate; bound: number }[] = [];
    let widest = -Infinity;
    const value = lagrangian(layers, this.rooms, multipliers).value;
    const rounding = (this.rooms.length + 2) * Number.EPSILON;
    const left = layers.map((candidates) => {
      if (candidates.length === 1) return candidates;
      const priced = candidates.map((candidate) => ({ candidate, bound: price(candidate, multipliers) }));
      const least = priced.reduce((a, b) => Math.min(a, b.bound), Infinity);
      for (const p of priced) p.bound = Math.max(bound, value + (p.bound - least) - rounding * (p.bound + least));
      const kept = priced.filter((p) => p.bound < this.cutoff);
      for (const p of priced) if (p.bound >= this.cutoff) this.leaveOut(p.bound);
      if (kept.length > 1) {
        kept.sort((a, b) => a.bound - b.bound);
        const second = (kept[1] as (typeof kept)[number]).bound;
        if (second > widest) {
          widest = second;
          children = kept;
        }
      }
      return kept.length === candidates.length ? candidates : kept.map((p) => p.candidate);
    });
    return { layers: left, children };
  }

  private leaveOut(bound: number): void {
    this.lowestLeft = Math.min(this.lowestLeft, bound);
  }

  /** A node with one architecture left. */
  private decided(architecture: readonly Candidate[]): void {
    // The incumbent, met again, is no second answer.
    if (architecture.every((candidate, layer) => candidate === this.best?.[layer])) return;
    const excess = excessOf(architecture, this.rooms);
    const value = rated(architecture, excess, this.penalties);
    if (value !== undefined && value >= this.value) this.leaveOut(value);
    this.offer(architecture, excess);
  }

  /** Takes an architecture if it keeps to the rows and is better than the best. */
  private offer(architecture: readonly Candidate[], excess: readonly number[]): void {
    const value = rated(architecture, excess, this.penalties);
    if (value === undefined || value >= this.value) return;
    if (this.best !== undefined) this.leaveOut(this.value);
    this.best = [...architecture];
    this.value = value;
    if (this.options.first === true) this.stopped = true;
  }

  private mustStop(): boolean {
    const { maxNodes = Infinity, deadline = Infinity } = this.options;
    if (this.nodes >= maxNodes) this.stopped = true;
    const late = (): boolean => performance.now() >= deadline;
    if (deadline !== Infinity && this.nodes % NODES_PER_CLOCK === 0 && late()) this.stopped = true;
    return this.stopped;
  }
}

/** Scores plus penalties; undefined where a row is exceeded that must hold. */
export function valueOf(
  architecture: readonly Candidate[],
  rooms: readonly number[],
  penalties: readonly number[] | undefined,
): number | undefined {
  return rated(architecture, excessOf(architecture, rooms), penalties);
}

function excessOf(architecture: readonly Candidate[], rooms: readonly number[]): number[] {
  return rooms.map((room, k) => architecture.reduce((sum, candidate) => sum + (candidate.usage[k] as number), -room));
}

function rated(
  architecture: readonly Candidate[],
  excess: readonly number[],
  penalties: readonly number[] | undefined,
): number | undefined {
  let value = 0;
  for (const [k, x] of excess.entries()) {
    if (x <= 0) continue;
    if (penalties === undefined) return undefined;
    value += x * (penalties[k] as number);
  }
  for (const candidate of architecture) value += candidate.score;
  return value;
}

/** Whether a step along `slope` would leave the range of a multiplier: at least zero, at most the penalty. */
function blocked(slope: number, multiplier: number, penalty = Infinity): boolean {
  return (slope < 0 && multiplier <= 0) || (slope > 0 && multiplier >= penalty);
}

function leastUsage(candidates: readonly Candidate[], row: number): number {
  let least = Infinity;
  for (const candidate of candidates) least = Math.min(least, candidate.usage[row] as number);
  return least;
}
