import { HALVES } from '../../model/names.js';
import type { LibraryCosts } from '../../target/costs.js';
import { taskKey } from '../../run/task-key.js';
import type { SearchContext } from '../context.js';
import {
  type AdditiveProgram,
  architectureOf,
  choicesOf,
  formulate,
  insteadOf,
  type LayerChoice,
  type Requirements,
  type LayerScores,
  type SolvedArchitecture,
} from '../solve.js';
import type { Spec } from '../spec.js';
import { warnOnce } from '../tasks.js';
import { provenRadius } from './propose.js';
import { type Measured, refine } from './refine.js';
import { type Estimate, estimate, rankCorrelation } from './statistics.js';
import type { HalfScore } from './surrogate.js';
import type { BuildingBlocks, SequenceRange } from './tasks.js';
import { Work } from './work.js';

/** One architecture: what was expected of it, and what it turned out to do. All KLs in nats/token, before uptraining. */
export interface RealisedArchitecture {
  architecture: LayerChoice[];
  /** The sum of the scores of its variants. */
  sumOfScores: number;
  /** Its KL as all the other measured architectures predict it. */
  predicted: number;
  /** Its KL on text that nothing was selected on. */
  realised: Estimate;
}

/** How whole architectures were searched around the one with the least sum of scores. */
export interface InteractionSearch {
  /** Architectures that were measured. */
  evaluations: number;
  chosen: RealisedArchitecture;
  /** The one with the least sum of scores; the chosen one, where no other did better. */
  additive: RealisedArchitecture;
  /** KL of the chosen minus that of the additive one, paired by sequences. */
  difference: Estimate;
  /** Tokens that `realised` is over. */
  heldOutTokens: number;
  /** Over the measured architectures, with their KL on the text of the search; null where all are equal. Each prediction is made from the others. */
  rankCorrelation: { predicted: number | null; sumOfScores: number | null };
  /**
   * The last program solved: no architecture that meets the limits and differs from the chosen one in at most so many
   * layers has a lower sum of conditional scores. 0 where that could not be said.
   */
  provenWithinLayers: number;
}

/** A solution, and how whole architectures were searched around it where they were. */
export interface RefinedSolution extends SolvedArchitecture {
  interactions?: InteractionSearch;
}

/** The best of the search are measured again on other text, and chosen by both. */
const FINALISTS = 4;
/** Rises when the same inputs lead to another architecture than before. */
const VERSION = 2;

/** What the solution is searched with. */
export interface InteractionInputs extends BuildingBlocks {
  scores: readonly LayerScores[];
  costs: LibraryCosts;
  requirements: Requirements;
  /** The least sum of scores. */
  additive: SolvedArchitecture;
}

/** The solution, refined by the KLs of whole architectures where the spec wants that and there is text for it. */
export async function refineSolution(context: SearchContext, inputs: InteractionInputs): Promise<RefinedSolution> {
  const { spec } = context;
  const { costs, requirements, additive, scores } = inputs;
  const ranges = sequenceRanges(inputs);
  // The parent itself cannot be improved on.
  if (!spec.search.interactions || additive.objective === 0) return additive;
  if (ranges === undefined) {
    warnOnce(context.run, 'too little validation text to measure whole architectures: the sum of scores decides');
    return additive;
  }
  const program = formulate({ scores, costs }, requirements);
  const outcome = await searchInteractions(context, inputs, program, ranges);
  if ('notFinite' in outcome) {
    warnOnce(context.run, NOT_FINITE[outcome.notFinite]);
    return additive;
  }
  return {
    ...insteadOf(additive, program, { scores, costs }, requirements.constraints, outcome.choices),
    interactions: outcome.search,
  };
}

/** Of the inputs, what an outcome is found with. */
interface OutcomeInputs extends Pick<InteractionInputs, 'scores'> {
  additive: Pick<SolvedArchitecture, 'architecture'>;
  validation: Pick<InteractionInputs['validation'], 'sequenceLength'>;
}

export interface Ranges {
  search: SequenceRange;
  finalists: SequenceRange;
  report: SequenceRange;
}

/** Disjoint parts of the validation text: two halves of what scores are from, and what comes after. */
function sequenceRanges({ validation, data }: BuildingBlocks): Ranges | undefined {
  const scored = validation.tokens / validation.sequenceLength;
  const half = Math.ceil(scored / 2);
  const ranges = {
    search: { first: 0, sequences: half },
    finalists: { first: half, sequences: scored - half },
    report: { first: scored, sequences: data.splits.validation.sequences - scored },
  };
  return Object.values(ranges).every(({ sequences }) => sequences > 0) ? ranges : undefined;
}

interface Outcome {
  choices: number[];
  search: InteractionSearch;
}

/** Whose KL is not a number, so that nothing can be compared. */
const NOT_FINITE = {
  additive: 'the KL of the architecture with the least sum of scores is not a finite number, so that it stays',
  chosen:
    'the KL of the best architecture that was measured is not a finite number on the text of the report: the one with the least sum of scores stays',
} as const;

interface Incomparable {
  notFinite: keyof typeof NOT_FINITE;
}

/** Searches, once. */
async function searchInteractions(
  context: SearchContext,
  inputs: InteractionInputs,
  program: AdditiveProgram,
  ranges: Ranges,
): Promise<Outcome | Incomparable> {
  const { run, spec, parentHash } = context;
  const { scores, costs, requirements, data, library, coupled = [] } = inputs;
  const { seed, search } = spec;
  const trained = [...library, ...coupled].map(({ key }) => key);
  const key = taskKey('interactions', {
    ...{ version: VERSION, parentHash, data: data.key, trained, ranges },
    ...{ scores, costs, requirements, seed, evaluations: search.evaluations },
  });
  const meta = { stage: 'solve', kind: 'interactions', label: 'whole architectures' } as const;
  const finished = await run.once(key, meta, async () => {
    const [all, ...more] = inputs.validation.rounds;
    if (all !== undefined && more.length === 0) await inputs.validation.need(all);
    const work = new Work(context, inputs, program, search.evaluations);
    const result = await findOutcome(work, program, inputs, ranges, spec);
    work.finish();
    return { result };
  });
  // An earlier version of the program did not say whose it was.
  return (finished.result as Outcome | Incomparable | null) ?? { notFinite: 'additive' };
}

/** The best architecture of a search, by the KLs that `work` realises. */
export async function findOutcome(
  work: Pick<Work, 'realise'>,
  program: AdditiveProgram,
  { scores, additive: { architecture }, validation: { sequenceLength } }: OutcomeInputs,
  ranges: Ranges,
  { search: { evaluations }, seed }: { search: Pick<Spec['search'], 'evaluations'>; seed: number },
): Promise<Outcome | Incomparable> {
  const { candidates, problem } = program;
  const additive = choicesOf(program, architecture);
  const halves = candidates.map((choices, layer) =>
    choices.map((pair) => {
      const both = HALVES.map((half) => halfScore(pair[half].name, scores[layer]?.[half]));
      return sharesOf(both, pair.choice.score);
    }),
  );
  const { measured, surrogate } = await refine(problem, halves, additive, { evaluations, seed }, (architectures) =>
    work.realise(architectures, ranges.search),
  );
  const own = measured.find(({ architecture }) => isSame(architecture, additive));
  if (own === undefined) return { notFinite: 'additive' };

  const finalists = [own, ...measured.filter((one) => one !== own).slice(0, FINALISTS)];
  const again = await work.realise(
    finalists.map(({ architecture }) => architecture),
    ranges.finalists,
  );
  const best = finalists[bestFinalist(finalists, again)] ?? own;
  const chosen = best.architecture;

  const [klAdditive, klChosen] = await work.realise([additive, chosen], ranges.report);
  if (klAdditive === undefined) return { notFinite: 'additive' };
  if (klChosen === undefined) return { notFinite: 'chosen' };
  const sumOfScores = (choices: readonly number[]) =>
    architectureOf(program, choices).reduce((sum, { score }) => sum + score, 0);
  const told = ({ architecture: choices, predicted }: Measured, kl: readonly number[]): RealisedArchitecture => ({
    architecture: architectureOf(program, choices),
    sumOfScores: sumOfScores(choices),
    predicted,
    realised: estimate(kl),
  });
  const kls = measured.map(({ kl }) => kl);
  return {
    choices: [...chosen],
    search: {
      evaluations: measured.length,
      chosen: told(best, klChosen),
      additive: told(own, klAdditive),
      difference: estimate(klChosen.map((kl, i) => kl - (klAdditive[i] ?? 0))),
      heldOutTokens: klChosen.length * sequenceLength,
      rankCorrelation: {
        predicted: rankCorrelation(
          measured.map(({ predicted }) => predicted),
          kls,
        ),
        sumOfScores: rankCorrelation(
          measured.map(({ architecture }) => sumOfScores(architecture)),
          kls,
        ),
      },
      provenWithinLayers: await provenRadius(problem, surrogate, chosen),
    },
  };
}

/** The halves of a pair that was scored as one: its score, in proportion to theirs. */
function sharesOf(halves: readonly HalfScore[], ofPair: number): HalfScore[] {
  const sum = halves.reduce((total, { score }) => total + score, 0);
  const share = sum > 0 ? Math.max(0, ofPair) / sum : 1;
  return halves.map(({ variant, score }) => ({ variant, score: share * score }));
}

/** Scores of choices that only noise takes below zero count as 0. */
function halfScore(variant: string, scores: Readonly<Record<string, number | null>> = {}): HalfScore {
  return { variant, score: Math.max(0, scores[variant] ?? 0) };
}

/**
 * The finalist with the least mean over both parts of the text, if it is also better than the additive one, which comes
 * first, on the part that it did not become a finalist by.
 */
function bestFinalist(finalists: readonly Measured[], again: readonly (readonly number[] | undefined)[]): number {
  const means = finalists.map(({ sequences }, i) => {
    const more = again[i];
    return more === undefined ? Infinity : estimate([...sequences, ...more]).value;
  });
  const best = means.indexOf(Math.min(...means));
  const [own, additive] = [again[best], again[0]];
  return own !== undefined && additive !== undefined && estimate(own).value < estimate(additive).value ? best : 0;
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.every((choice, layer) => choice === b[layer]);
}
