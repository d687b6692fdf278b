import { InputError } from '../common/errors.js';
import type { Infeasible } from '../solver/solve.js';
import {
  amountText,
  boundOf,
  type Constraint,
  constraintText,
  type LimitBasis,
  limitText,
  type Metric,
  roundedOutward,
  valueAtCost,
} from './constraints.js';
import { type LayerRule, ruleText } from './rules.js';

/** More rules than these say nothing that all of them together do not. */
const MAX_NAMED_RULES = 4;
/** Enough to find as many among hundreds. */
const MAX_QUESTIONS = 32;

/** No architecture meets the limits. The message names those in conflict, what is reachable, and what would fit. */
export class InfeasibleError extends InputError {
  constructor(
    message: string,
    /** The smallest relaxation that fits, as texts of the spec by metric: `>= 2.4x`. The other limits stay. */
    readonly relaxation: Readonly<Partial<Record<Metric, string>>>,
  ) {
    super(message, 'limits');
  }
}

/** What was asked of a problem that has no answer. */
interface Asked {
  constraints: readonly Constraint[];
  basis: LimitBasis;
  /** Every rule that held. */
  rules: readonly LayerRule[];
  /** Of those, a smallest set that keeps the limits from being met; empty where they cannot be met anyway. */
  blamed: readonly LayerRule[];
}

/** The solver's explanation in the words and units of the user. */
export function infeasibleError({ conflicts, relaxation }: Infeasible, asked: Asked): InfeasibleError {
  const { constraints, basis, rules, blamed } = asked;
  /** What the solver says about limits, beside their constraints and in the order of those. */
  const withConstraints = <T extends { cost: string; bound: 'max' | 'min' }>(about: readonly T[]) =>
    constraints.flatMap((constraint) =>
      about
        .filter(({ cost, bound }) => cost === constraint.metric && bound === boundOf(constraint))
        .map((said) => ({ ...said, constraint })),
    );
  const rounded = (constraint: Constraint, cost: number) =>
    roundedOutward(constraint, valueAtCost(constraint, cost, basis));
  const inConflict = withConstraints(conflicts).map(({ constraint, reachable }) => {
    const best = amountText(constraint, rounded(constraint, reachable));
    return `"${constraintText(constraint)}" (alone, ${best} can be reached)`;
  });
  const changes = withConstraints(relaxation.changes).map(({ constraint, to }) => ({
    constraint,
    value: rounded(constraint, to),
  }));
  const told = changes.map(({ constraint, value }) => `"${constraintText(constraint, value)}"`).join(' and ');
  const margin = basis.margin === 0 ? '' : ` with a margin of ${100 * basis.margin}%`;
  const together = conflicts.length > 1 ? ' together' : '';
  const smaller = relaxation.proven ? '' : '; a smaller one may exist';
  return new InfeasibleError(
    `no architecture of this space meets ${inConflict.join(' and ')}${together}${margin}${ruled(rules, blamed)}; the smallest relaxation that fits: ${told}${smaller}`,
    Object.fromEntries(changes.map(({ constraint, value }) => [constraint.metric, limitText(constraint, value)])),
  );
}

/** The part that rules have in it. */
function ruled(rules: readonly LayerRule[], blamed: readonly LayerRule[]): string {
  if (rules.length === 0) return '';
  if (blamed.length === 0) return ' under the rules, nor without them';
  if (blamed.length > MAX_NAMED_RULES) return ' under the rules, though without some of them there is one';
  const named = blamed.map((rule) => `"${ruleText(rule)}"`).join(' and ');
  return ` under the rules, of which ${named} ${blamed.length > 1 ? 'suffice' : 'suffices'} to prevent it`;
}

/**
 * A smallest set of rules that admits no architecture and would without any one of them, of rules that together admit
 * none; empty when there is none without any rule either. Asks about parts of the rules, halving them as long as it can;
 * after `maxQuestions` the set may be larger than needed.
 *
 * @param feasible whether there is an architecture under these rules
 */
export async function conflictingRules(
  rules: readonly LayerRule[],
  feasible: (rules: readonly LayerRule[]) => Promise<boolean>,
  maxQuestions = MAX_QUESTIONS,
): Promise<LayerRule[]> {
  if (rules.length === 0 || !(await feasible([]))) return [];
  let questions = 0;
  /** What of `open` is needed for a conflict with all of `held`. */
  const needed = async (held: LayerRule[], isNew: boolean, open: readonly LayerRule[]): Promise<LayerRule[]> => {
    if (questions === maxQuestions) return [...open];
    if (isNew) {
      questions++;
      if (!(await feasible(held))) return [];
    }
    if (open.length === 1) return [...open];
    const middle = Math.ceil(open.length / 2);
    const [first, second] = [open.slice(0, middle), open.slice(middle)];
    const ofSecond = await needed([...held, ...first], true, second);
    const ofFirst = await needed([...held, ...ofSecond], ofSecond.length > 0, first);
    return [...ofFirst, ...ofSecond];
  };
  return needed([], false, rules);
}
