import type { Choice, Limit, Problem } from '../solver/problem.js';
import { type Infeasible, type Solution, solve } from '../solver/solve.js';
import { type LibraryCosts, type PricedLayer, type PricedVariant, sumPartCosts } from '../target/costs.js';
import {
  additiveCosts,
  boundOf,
  type Constraint,
  constraintText,
  costLimit,
  type LimitBasis,
  type Metric,
  metricAtCost,
  type Metrics,
  metricsOf,
  parentMetrics,
  valueAtCost,
} from './constraints.js';
import type { Workload } from '../model/accounting.js';
import { conflictingRules, InfeasibleError, infeasibleError } from './infeasible.js';
import type { Half } from '../model/names.js';
import { pairName } from './pair-name.js';
import { allows, checkRules, type LayerRule, type NamedVariant } from './rules.js';

/** The KV cache as the engine sees it, beside that which the user limits. */
const ENGINE_NEED = 'kvCache that the engine needs';

/** A look ahead is worth this long; the stage itself takes the time it needs. */
const REACHABLE_MS = 2_000;

/** Nodes for each question about rules that may be at fault: an explanation must not take longer than the answer. */
const BLAME_NODES = 20_000;

/**
 * The quality drop of every variant of a layer by name. A variant that is absent or null has failed and is left out; the
 * parent's own drops nothing.
 */
export interface LayerScores {
  attention: Readonly<Record<string, number | null>>;
  ffn: Readonly<Record<string, number | null>>;
  /** Of pairs that were scored together, by {@link pairName}; what the others drop is taken to be the sum. */
  pairs?: Readonly<Record<string, number | null>> | undefined;
}

/** What there is to choose from: scores and costs of the same layers. */
export interface ScoredLibrary {
  scores: readonly LayerScores[];
  costs: LibraryCosts;
}

export interface Requirements {
  constraints: readonly Constraint[];
  /** Share by which limits on runtime are tightened, for the error of predictions. */
  margin: number;
  /** What the user decides about single layers. */
  rules?: readonly LayerRule[];
  /** What `%` and `x` are of, where it is not the parent at the library's own workload. */
  relativeTo?: Metrics | undefined;
}

/** The names of a layer's variants, and the sum of their scores, or that of the pair where it was scored. */
export interface LayerChoice {
  attention: string;
  ffn: string;
  score: number;
}

/** How a constraint is met. */
export interface MetLimit {
  metric: Metric;
  /** As the user would write it. */
  text: string;
  /** What the architecture reaches, in the same unit, margin included: the constraint could say this instead. */
  reached: number;
  /** It holds the objective up. */
  binding: boolean;
  /** By how much the objective falls per byte, second or parameter by which the limit gives way. */
  shadowPrice: number;
}

export interface SolvedArchitecture {
  status: 'optimal' | 'incumbent';
  /** A choice per layer. */
  architecture: LayerChoice[];
  /** The sum of the scores. */
  objective: number;
  /** Proven: no architecture that meets the limits has a lower objective. */
  bound: number;
  gap: number;
  nodes: number;
  milliseconds: number;
  /** Predicted, of the architecture and of the parent. */
  totals: Metrics;
  parent: Metrics;
  /** What they were predicted for. */
  workload: Workload;
  /** Where estimated seconds come from; absent where they were measured. */
  estimated?: string;
  limits: MetLimit[];
  /** The metrics whose limits hold the objective up. */
  binding: Metric[];
}

/**
 * The architecture with the least sum of scores within the constraints and rules, proven.
 * @throws InfeasibleError when there is none: the limits in conflict, what each could reach, the rules at fault, and the
 * smallest relaxation; InputError for a rule that names no variant, or leaves none
 */
export async function solveLibrary(library: ScoredLibrary, requirements: Requirements): Promise<SolvedArchitecture> {
  const { costs } = library;
  const { constraints } = requirements;
  const { candidates, problem, basis } = formulate(library, requirements);
  const answer = await solve(problem);
  if (answer.status === 'undecided') throw new Error('the solver stopped without an answer');
  if (answer.status === 'infeasible') throw await explained(answer, library, requirements);
  return {
    ...described({ candidates }, costs, answer.choices),
    status: answer.status,
    objective: answer.objective,
    bound: answer.bound,
    gap: answer.gap,
    nodes: answer.nodes,
    milliseconds: answer.milliseconds,
    parent: basis.parent,
    workload: costs.workload,
    ...(costs.estimated === undefined ? {} : { estimated: costs.estimated }),
    ...metLimits(answer, constraints, basis),
  };
}

/** The names and predicted metrics of an architecture, given as a choice per layer. */
function described(
  program: Pick<AdditiveProgram, 'candidates'>,
  costs: LibraryCosts,
  choices: readonly number[],
): Pick<SolvedArchitecture, 'architecture' | 'totals'> {
  const parts = pairsOf(program, choices).flatMap(({ attention, ffn }) => [attention, ffn]);
  return {
    architecture: architectureOf(program, choices),
    totals: metricsOf(sumPartCosts([costs.nonBlock, ...parts]), costs.workload),
  };
}

/** The names of an architecture, given as a choice per layer. */
export function architectureOf(
  program: Pick<AdditiveProgram, 'candidates'>,
  choices: readonly number[],
): LayerChoice[] {
  return pairsOf(program, choices).map(({ attention, ffn, choice: { score } }) => ({
    attention: attention.name,
    ffn: ffn.name,
    score,
  }));
}

function pairsOf({ candidates }: Pick<AdditiveProgram, 'candidates'>, choices: readonly number[]): Pair[] {
  return candidates.map((layer, index) => {
    const pair = layer[choices[index] ?? -1];
    if (pair === undefined) throw new Error(`the solver chose nothing for layer ${index}`);
    return pair;
  });
}

/** The choices behind the names of an architecture. */
export function choicesOf(
  { candidates }: Pick<AdditiveProgram, 'candidates'>,
  architecture: readonly Pick<LayerChoice, 'attention' | 'ffn'>[],
): number[] {
  return architecture.map(({ attention, ffn }, layer) => {
    const choice = (candidates[layer] ?? []).findIndex(
      (pair) => pair.attention.name === attention && pair.ffn.name === ffn,
    );
    if (choice < 0) throw new Error(`layer ${layer} has no ${attention} with ${ffn}`);
    return choice;
  });
}

/**
 * Another architecture that meets the same limits, in place of the one with the least sum of scores: what was proven about
 * sums of scores still holds, and its own sum is above the bound by the gap.
 */
export function insteadOf(
  solved: SolvedArchitecture,
  program: AdditiveProgram,
  { costs }: ScoredLibrary,
  constraints: readonly Constraint[],
  choices: readonly number[],
): SolvedArchitecture {
  const { architecture, totals } = described(program, costs, choices);
  const objective = architecture.reduce((sum, { score }) => sum + score, 0);
  const gap = Math.max(0, objective - solved.bound);
  const reached = constraints.map((constraint) =>
    valueAtCost(constraint, metricAtCost(constraint.metric, totals[constraint.metric], costs.workload), program.basis),
  );
  const limits = solved.limits.map((limit, i) => ({ ...limit, reached: reached[i] ?? limit.reached }));
  return { ...solved, architecture, totals, objective, gap, limits, status: gap > 0 ? 'incumbent' : 'optimal' };
}

/** Throws, as {@link solveLibrary} would, when no architecture meets limits and rules, whatever the scores. */
export async function checkReachable(costs: LibraryCosts, requirements: Requirements): Promise<void> {
  const free = (variants: readonly PricedVariant[]) => Object.fromEntries(variants.map(({ name }) => [name, 0]));
  const scores = costs.layers.map(({ attention, ffn }) => ({ attention: free(attention), ffn: free(ffn) }));
  const library = { scores, costs };
  const { problem } = formulate(library, requirements);
  const answer = await solve(problem, { gap: Infinity, maxMilliseconds: REACHABLE_MS });
  if (answer.status === 'infeasible') throw await explained(answer, library, requirements);
}

/** Why there is no architecture: what the engine needs, or the limits, and the rules if they are met without them. */
async function explained(
  answer: Infeasible,
  library: ScoredLibrary,
  requirements: Requirements,
): Promise<InfeasibleError> {
  const { leastKvCache, ...free } = library.costs;
  if (leastKvCache !== undefined) {
    const unbound = { ...library, costs: free };
    const other = await solve(formulate(unbound, requirements).problem, { gap: Infinity, maxNodes: BLAME_NODES });
    if (other.status === 'infeasible') return explained(other, unbound, requirements);
    return new InfeasibleError(`of all architectures that meet the limits ${leastKvCache.why}`, {});
  }
  const { constraints, margin, rules = [], relativeTo } = requirements;
  const feasible = async (some: readonly LayerRule[]) => {
    const { problem } = formulate(library, { ...requirements, rules: some });
    const { status } = await solve(problem, { gap: Infinity, maxNodes: BLAME_NODES });
    return status !== 'infeasible';
  };
  const blamed = await conflictingRules(rules, feasible);
  return infeasibleError(answer, { constraints, rules, blamed, basis: limitBasis(library.costs, margin, relativeTo) });
}

/** The program of a library: `candidates[l][j]` are the variants behind choice j of layer l. */
export interface AdditiveProgram {
  candidates: readonly (readonly Pair[])[];
  problem: Problem;
  basis: LimitBasis;
}

/** @throws InputError for a rule that names no variant, or leaves none */
export function formulate(
  { scores, costs }: ScoredLibrary,
  { constraints, margin, rules = [], relativeTo }: Requirements,
): AdditiveProgram {
  const basis = limitBasis(costs, margin, relativeTo);
  const layers = costs.layers.map((layer, index) => usable(layer, scores[index]));
  checkRules(
    rules,
    costs.layers.map((layer, index) => ({
      attention: named(layer, 'attention', layers[index]?.attention),
      ffn: named(layer, 'ffn', layers[index]?.ffn),
    })),
  );
  const candidates = layers.map(pairs);
  const { leastKvCache: need } = costs;
  /** Once more where the engine needs some: its need and the user's limit each have a price. */
  const withNeed = (part: Metrics): Record<string, number> =>
    need === undefined ? { ...part } : { ...part, [ENGINE_NEED]: part.kvCache };
  const problem: Problem = {
    layers: candidates.map((layer) => ({
      choices: layer.map(({ choice }) => ({ ...choice, costs: withNeed(choice.costs) })),
    })),
    nonBlock: withNeed(additiveCosts(costs.nonBlock)),
    limits: [
      ...constraints.map((constraint): Limit => {
        const limit = costLimit(constraint, basis);
        return boundOf(constraint) === 'max'
          ? { cost: constraint.metric, max: limit }
          : { cost: constraint.metric, min: limit };
      }),
      ...(need === undefined ? [] : [{ cost: ENGINE_NEED, min: need.bytes }]),
    ],
    bans: [...new Set(rules.map(({ layer }) => layer))].flatMap((layer) =>
      (candidates[layer] ?? []).flatMap(({ attention, ffn }, choice) =>
        allows(rules, layer, 'attention', attention.name) && allows(rules, layer, 'ffn', ffn.name)
          ? []
          : [{ layer, choice }],
      ),
    ),
  };
  return { candidates, problem, basis };
}

/** What turns limits on this library into limits on costs that add up. */
export function limitBasis(costs: LibraryCosts, margin: number, relativeTo?: Metrics): LimitBasis {
  return { parent: relativeTo ?? parentMetrics(costs), workload: costs.workload, margin };
}

interface Pair {
  attention: PricedVariant;
  ffn: PricedVariant;
  choice: Choice & { costs: Metrics };
}

/** A variant that can be chosen, and what it drops. */
interface Scored {
  variant: PricedVariant;
  score: number;
}

/** The variants of one layer that can be chosen. */
export interface UsableLayer {
  attention: Scored[];
  ffn: Scored[];
  /** As in {@link LayerScores}. */
  pairs: Readonly<Record<string, number | null>>;
  /** By their names, those that the engine cannot run. */
  excluded: ReadonlySet<string>;
}

/** The variants of a layer, the parent's first, without what failed or cannot be run with any other half. */
export function usable(
  { attention, ffn, excluded = [] }: LibraryCosts['layers'][number],
  scores: LayerScores | undefined,
): UsableLayer {
  const banned = new Set(excluded.map((pair) => pairName(pair.attention, pair.ffn)));
  const [a, f] = [scored(attention, scores?.attention), scored(ffn, scores?.ffn)];
  const runs = (one: Scored, other: Scored) => !banned.has(pairName(one.variant.name, other.variant.name));
  return {
    attention: a.filter((one) => f.some((other) => runs(one, other))),
    ffn: f.filter((one) => a.some((other) => runs(other, one))),
    pairs: scores?.pairs ?? {},
    excluded: banned,
  };
}

function scored(variants: readonly PricedVariant[], scores: Readonly<Record<string, number | null>> = {}): Scored[] {
  return variants.flatMap((variant, index) => {
    const known = Object.hasOwn(scores, variant.name) ? scores[variant.name] : undefined;
    const score = known ?? (index === 0 ? 0 : undefined);
    return score === undefined ? [] : [{ variant, score }];
  });
}

function named(layer: PricedLayer, half: Half, usable: readonly Scored[] = []): NamedVariant[] {
  const { excluded = [] } = layer;
  const others = layer[half === 'attention' ? 'ffn' : 'attention'].length;
  return layer[half].map(({ name }) => {
    if (usable.some(({ variant }) => variant.name === name)) return { name };
    const reasons = excluded.filter((pair) => pair[half] === name);
    return { name, failed: reasons.length === others ? (reasons[0]?.why ?? '') : 'it failed in training' };
  });
}

/** Every choice of one layer: the parent's first. A pair that failed, or that the engine cannot run, is left out. */
function pairs({ attention, ffn, pairs, excluded }: UsableLayer): Pair[] {
  return attention.flatMap((a) =>
    ffn.flatMap((f): Pair[] => {
      const name = pairName(a.variant.name, f.variant.name);
      const score = Object.hasOwn(pairs, name) ? pairs[name] : a.score + f.score;
      if (typeof score !== 'number' || excluded.has(name)) return [];
      const costs = additiveCosts(sumPartCosts([a.variant, f.variant]));
      return [{ attention: a.variant, ffn: f.variant, choice: { name, score, costs } }];
    }),
  );
}

function metLimits(
  answer: Solution,
  constraints: readonly Constraint[],
  basis: LimitBasis,
): Pick<SolvedArchitecture, 'limits' | 'binding'> {
  const limits = constraints.map((constraint): MetLimit => ({
    metric: constraint.metric,
    text: constraintText(constraint),
    reached: valueAtCost(constraint, answer.totals[constraint.metric] ?? 0, basis),
    binding: answer.binding.includes(constraint.metric),
    shadowPrice: answer.shadowPrices[constraint.metric] ?? 0,
  }));
  return { limits, binding: [...new Set(limits.filter(({ binding }) => binding).map(({ metric }) => metric))] };
}
