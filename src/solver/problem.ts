import { InputError } from '../common/errors.js';

/** One alternative for a layer: what it loses and what it costs. */
export interface Choice {
  name: string;
  /** Quality drop; lower is better; any finite number. */
  score: number;
  /** Costs by name, in the user's units. Every choice of a problem has the same cost names. */
  costs: Record<string, number>;
}

/** A bound on the total of one cost: `nonBlock` plus the sum over the layers, in the unit of the costs. */
export interface Limit {
  cost: string;
  min?: number;
  max?: number;
}

/** One choice of one layer, both counted from zero. */
export interface Place {
  layer: number;
  choice: number;
}

/** Pick one choice per layer so that the sum of scores is least and every limit holds. */
export interface Problem {
  layers: { choices: Choice[] }[];
  /** What the model costs apart from its layers; a cost not named here is zero. */
  nonBlock: Record<string, number>;
  limits: Limit[];
  /** The layer must take this choice. */
  pins?: Place[];
  /** The layer must not take this choice. */
  bans?: Place[];
  /** Agree with each of these architectures (a choice per layer) in at most `maxOverlap`, a share of the layers. */
  diversity?: { solutions: number[][]; maxOverlap: number };
  /** In each of these ranges of layers, both ends included, all layers take choices of one name. */
  same?: LayerRange[];
  /** At most so many different names of choices in the whole architecture. */
  maxShapes?: number;
}

export interface LayerRange {
  from: number;
  to: number;
}

/** Totals this much beyond a limit, relative to the limit, still meet it: sums of decimals are not exact. */
export const LIMIT_TOLERANCE = 1e-9;

/** The names of the costs of `problem`, in the order of its first choice. */
export function costNames(problem: Problem): string[] {
  return Object.keys(problem.layers[0]?.choices[0]?.costs ?? {});
}

/**
 * Checks everything about a problem that does not need solving.
 * @throws InputError naming the layer and choice, limit, pin, ban or earlier solution that cannot be used
 */
export function checkProblem(problem: Problem): void {
  if (problem.layers.length === 0) throw new InputError('there are no layers; give at least one');
  const costs = costNames(problem);
  const known = new Set(costs);
  for (const [layer, { choices }] of problem.layers.entries()) {
    if (choices.length === 0) throw new InputError('has no choices; give at least one', `layer ${layer}`);
    for (const [index, choice] of choices.entries()) {
      checkChoice(choice, known, placeName({ layer, choice: index }, choice));
    }
  }
  for (const [cost, value] of Object.entries(problem.nonBlock)) {
    checkCostName(cost, costs, 'nonBlock');
    checkFinite(value, `cost "${cost}"`, 'nonBlock');
  }
  for (const limit of problem.limits) checkLimit(limit, costs);
  checkPinsAndBans(problem);
  checkDiversity(problem);
  checkPatterns(problem);
}

function checkChoice(choice: Choice, known: ReadonlySet<string>, where: string): void {
  checkFinite(choice.score, 'score', where);
  for (const [cost, value] of Object.entries(choice.costs)) {
    if (!known.has(cost)) {
      throw new InputError(`has the cost "${cost}", which the first choice of layer 0 lacks; give all the same`, where);
    }
    checkFinite(value, `cost "${cost}"`, where);
  }
  for (const cost of known) {
    if (!Object.hasOwn(choice.costs, cost)) {
      throw new InputError(`lacks the cost "${cost}", which the first choice of layer 0 has; give all the same`, where);
    }
  }
}

function checkLimit(limit: Limit, costs: readonly string[]): void {
  const where = `limit on "${limit.cost}"`;
  checkCostName(limit.cost, costs, where);
  const { min, max } = limit;
  if (min === undefined && max === undefined) throw new InputError('has neither min nor max; give one', where);
  if (min !== undefined) checkFinite(min, 'min', where);
  if (max !== undefined) checkFinite(max, 'max', where);
  if (min !== undefined && max !== undefined && min > max) {
    throw new InputError(`min ${min} is above max ${max}; nothing can meet both`, where);
  }
}

function checkPinsAndBans({ layers, pins = [], bans = [] }: Problem): void {
  const pinned = new Map<number, number>();
  for (const pin of pins) {
    checkPlace(pin, layers, 'pin');
    const earlier = pinned.get(pin.layer) ?? pin.choice;
    if (earlier !== pin.choice) {
      throw new InputError(`is pinned to choices ${earlier} and ${pin.choice}; keep one`, `layer ${pin.layer}`);
    }
    pinned.set(pin.layer, pin.choice);
  }
  for (const ban of bans) checkPlace(ban, layers, 'ban');
  for (const [layer, { choices }] of layers.entries()) {
    const banned = new Set(bans.filter((ban) => ban.layer === layer).map((ban) => ban.choice));
    if (banned.size === choices.length) {
      throw new InputError(`every choice is banned; allow at least one`, `layer ${layer}`);
    }
    const pin = pinned.get(layer);
    if (pin !== undefined && banned.has(pin)) {
      const where = placeName({ layer, choice: pin }, choices[pin]);
      throw new InputError('is both pinned and banned; keep one', where);
    }
  }
}

function checkPlace(place: Place, layers: Problem['layers'], what: string): void {
  const layer = layers[place.layer];
  if (layer === undefined) {
    throw new InputError(`layer ${place.layer} does not exist; layers are 0 to ${layers.length - 1}`, what);
  }
  if (layer.choices[place.choice] === undefined) {
    const range = `0 to ${layer.choices.length - 1}`;
    throw new InputError(
      `choice ${place.choice} does not exist; choices are ${range}`,
      `${what} of layer ${place.layer}`,
    );
  }
}

function checkDiversity({ layers, diversity }: Problem): void {
  if (diversity === undefined) return;
  const { solutions, maxOverlap } = diversity;
  if (!(maxOverlap >= 0 && maxOverlap <= 1)) {
    throw new InputError(`maxOverlap is ${maxOverlap}; it is a share of the layers, from 0 to 1`, 'diversity');
  }
  for (const [index, solution] of solutions.entries()) {
    const where = `diversity, solution ${index}`;
    if (solution.length !== layers.length) {
      throw new InputError(`has ${solution.length} choices for ${layers.length} layers; give one per layer`, where);
    }
    for (const [layer, choice] of solution.entries()) checkPlace({ layer, choice }, layers, where);
  }
}

function checkPatterns({ layers, same = [], maxShapes }: Problem): void {
  if (maxShapes !== undefined && !(Number.isInteger(maxShapes) && maxShapes > 0)) {
    throw new InputError(`is ${maxShapes}; it must be a whole number above 0`, 'maxShapes');
  }
  const taken = new Set<number>();
  for (const { from, to } of same) {
    const where = `layers ${from} to ${to} alike`;
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to < layers.length)) {
      throw new InputError(`is no range; layers are 0 to ${layers.length - 1}`, where);
    }
    for (let layer = from; layer <= to; layer++) {
      if (taken.has(layer)) throw new InputError(`layer ${layer} is in two ranges; join them`, where);
      taken.add(layer);
    }
  }
  for (const layer of maxShapes === undefined ? taken : layers.keys()) {
    const names = (layers[layer] as Problem['layers'][number]).choices.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined) throw new InputError(`has two choices named ${twice}; name them apart`, `layer ${layer}`);
  }
}

function checkCostName(cost: string, costs: readonly string[], where: string): void {
  if (costs.includes(cost)) return;
  const known = costs.length === 0 ? 'the choices have no costs' : `the costs are ${costs.join(', ')}`;
  throw new InputError(`no choice has the cost "${cost}"; ${known}`, where);
}

function checkFinite(value: number, what: string, where: string): void {
  if (!Number.isFinite(value)) throw new InputError(`${what} is ${value}; it must be a finite number`, where);
}

function placeName({ layer, choice }: Place, named: Choice | undefined): string {
  return `layer ${layer}, choice ${choice}${named === undefined ? '' : ` (${named.name})`}`;
}
