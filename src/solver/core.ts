import { quickIncumbent } from './incumbent.js';
import { lagrangian, price } from './lagrangian.js';
import { joinParts } from './join.js';
import { enumerateParts, type PartLayer, picksOf } from './parts.js';
import type { Candidate, Program } from './program.js';
import { type SearchOptions, type SearchResult, TIE, valueOf } from './search.js';

/** Halves of more parts than these take seconds; branching may do better. */
const MAX_PARTS = 3_000_000;
/** From one round to the next the distance from the bound grows by this. */
const GROWTH = 1.5;
/** So many candidates beside the best of their layers are within the distance of the first round. */
const FIRST_CANDIDATES = 24;
/** What sums over the layers may be off. */
const ROUNDING = 1e-12;

/** `tooLarge`: neither the options nor a proof ended it; another kind of search must go on from what is known. */
export interface CoreResult extends SearchResult {
  tooLarge: boolean;
}

/**
 * The least value by meeting in the middle, in a core that expands. At any multipliers the value of an architecture is
 * the Lagrangian bound, plus the reduced costs of its candidates, plus its unused room at the multipliers (and its
 * excess at the penalties less the multipliers), none of them negative. So an architecture within some distance of the
 * bound consists of two parts, each of half of the layers, within that distance, and leaves no more room than the
 * distance pays for. Both halves are enumerated, which are about the square roots of the number of architectures, and
 * those held against each other that can fit; the distance grows from a few candidates until the best answer is within.
 */
export function searchCore(program: Program, options: SearchOptions): CoreResult {
  return new Core(program, options).run();
}

interface PricedLayer extends PartLayer {
  candidates: Candidate[];
}

class Core {
  private readonly rooms: readonly number[];
  private readonly layers: PricedLayer[];
  /** Nothing has a lower value. */
  private readonly floor: number;
  private readonly gap: number;
  private best: Candidate[] | undefined;
  private value: number;
  private tied = false;
  private nodes = 0;
  private tooLarge = false;

  constructor(
    private readonly program: Program,
    private readonly options: SearchOptions,
  ) {
    const { multipliers, penalties, below } = options;
    this.rooms = program.rows.map(({ room }) => room);
    this.floor = lagrangian(program.layers, this.rooms, multipliers).value;
    this.layers = program.layers.map((candidates) => pricedLayer(candidates, multipliers));
    this.gap = Math.max(options.gap ?? 0, TIE);
    // No answer reaches the sum of the highest scores plus one, so a bound that does proves that there is none.
    const ceiling = program.layers.reduce((sum, layer) => sum + Math.max(...layer.map(({ score }) => score)), 1);
    this.value = below ?? (penalties === undefined ? ceiling : Infinity);
  }

  run(): CoreResult {
    /** Every architecture within this distance of the floor has been looked at. */
    let seen = 0;
    if (this.mayGoOn() && this.wanted() > 0) {
      const quick = quickIncumbent(this.program, this.options.multipliers);
      if (quick !== undefined) this.offer(quick);
      if (this.options.incumbent !== undefined) this.offer(this.options.incumbent);
    }
    const costs = Float64Array.from(this.layers.flatMap((layer) => [...layer.costs.subarray(1)])).sort();
    const furthest = this.layers.reduce((sum, layer) => sum + (layer.costs.at(-1) as number), ROUNDING);
    const beyond = (distance: number): number => costs.find((cost) => cost > distance) ?? furthest;
    let distance = Math.max(costs[FIRST_CANDIDATES] ?? 0, beyond(0));
    while (seen < this.wanted() && this.mayGoOn()) {
      distance = Math.min(distance, this.wanted(), furthest);
      if (!this.round(distance)) break;
      seen = distance >= furthest ? Infinity : distance;
      distance = Math.max(distance * GROWTH, beyond(distance));
    }
    const bound = Math.min(this.floor + seen, this.value);
    return {
      best: this.best,
      value: this.best === undefined ? Infinity : this.value,
      bound,
      unique: !this.tied && this.floor + seen >= this.value + 2 * TIE,
      nodes: this.nodes,
      finished: seen >= this.wanted() && !(this.options.first === true && this.best !== undefined),
      tooLarge: this.tooLarge,
    };
  }

  /** How far from the floor everything must have been looked at; ties, where they matter, included. */
  private wanted(): number {
    const reach = this.best === undefined ? -TIE : this.gap > TIE ? -this.gap : 2 * TIE;
    return this.value + reach - this.floor + (this.value === Infinity ? 0 : ROUNDING);
  }

  private mayGoOn(): boolean {
    const { first = false, maxNodes = Infinity, deadline = Infinity } = this.options;
    if (first && this.best !== undefined) return false;
    return !this.tooLarge && this.nodes < maxNodes && performance.now() < deadline;
  }

  /** Looks at every architecture within the distance; false where there are too many, or the time is over. */
  private round(distance: number): boolean {
    const rows = this.rooms.length;
    const rooms = [...this.rooms];
    const chosen = this.layers.map(({ candidates }) => candidates[0] as Candidate);
    const core: PricedLayer[] = [];
    for (const layer of this.layers) {
      const within = layer.costs.findIndex((cost) => cost > distance);
      const count = within === -1 ? layer.costs.length : within;
      if (count > 1) core.push({ ...layer, costs: layer.costs.subarray(0, count) });
      else for (let k = 0; k < rows; k++) rooms[k] = (rooms[k] as number) - (layer.usages[k] as number);
    }
    const budget = Math.min(MAX_PARTS, (this.options.maxNodes ?? Infinity) - this.nodes);
    const parts = halves(core, distance).map((half) => enumerateParts(half, rows, distance, budget));
    const [left, right] = parts;
    this.nodes += parts.reduce((sum, part) => sum + (part?.count ?? budget), 0);
    if (left === undefined || right === undefined) {
      this.tooLarge = budget === MAX_PARTS;
      return false;
    }
    const { multipliers, penalties, deadline } = this.options;
    const reach = Math.min(this.wanted(), this.value - this.floor + 2 * TIE);
    const found = joinParts(left, right, { rooms, multipliers, penalties, reach, deadline });
    if (found.pair !== undefined) {
      for (const part of [picksOf(left, found.pair[0]), picksOf(right, found.pair[1])]) {
        for (const [layer, pick] of part) {
          chosen[layer] = (this.layers[layer] as PricedLayer).candidates[pick] as Candidate;
        }
      }
      this.offer(chosen);
    }
    this.tied = found.tied;
    return !found.cut;
  }

  /** Takes an architecture if it keeps to the rows and is better than the best. */
  private offer(architecture: readonly Candidate[]): void {
    const value = valueOf(architecture, this.rooms, this.options.penalties);
    if (value === undefined || value >= this.value) return;
    this.best = [...architecture];
    this.value = value;
  }
}

function pricedLayer(candidates: readonly Candidate[], multipliers: readonly number[]): PricedLayer {
  const priced = candidates.map((candidate) => ({ candidate, at: price(candidate, multipliers) }));
  priced.sort((a, b) => a.at - b.at);
  const [cheapest] = priced;
  return {
    layer: cheapest?.candidate.layer ?? 0,
    candidates: priced.map(({ candidate }) => candidate),
    costs: Float64Array.from(priced, ({ at }) => at - (cheapest?.at ?? 0)),
    usages: Float64Array.from(priced.flatMap(({ candidate }) => candidate.usage)),
  };
}

/** Shares out the layers so that both halves have about as many parts, by how many candidates are near. */
function halves(core: readonly PricedLayer[], distance: number): [PricedLayer[], PricedLayer[]] {
  const weighed = core.map((layer) => ({
    layer,
    weight: Math.log(layer.costs.reduce((sum, cost) => sum + Math.exp(-3 * (cost / distance || 0)), 0)),
  }));
  weighed.sort((a, b) => b.weight - a.weight);
  const sides: [PricedLayer[], PricedLayer[]] = [[], []];
  let balance = 0;
  for (const { layer, weight } of weighed) {
    sides[balance <= 0 ? 0 : 1].push(layer);
    balance += balance <= 0 ? weight : -weight;
  }
  return sides;
}
