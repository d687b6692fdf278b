import { modelCosts, nonBlockCosts } from '../model/accounting.js';
import { HALVES } from '../model/names.js';
import type { LayerVariants } from '../model/variants.js';
import type { Stage } from '../run/events.js';
import type { Model, SearchContext } from './context.js';
import type { Spec } from './spec.js';

/** What small matrix products reach on an ordinary core. Only progress and ETA depend on it. */
const FLOPS_PER_CORE = 40e9;
/** A training step costs about three forward passes. */
const TRAINING = 3;
/** Shares of the parent's work that fall to a variant in training, a variant being scored, and the child. */
const VARIANT_SHARE = 0.7;
const TAIL_SHARE = 0.55;
const CHILD_SHARE = 0.6;
/** Architectures are measured on half of the scored tokens, and are smaller than the parent. */
const SEARCHED_SHARE = 0.4;
const SECONDS_PER_MEASURED_ROW = 3.5;
const EVALUATION_SECONDS = 60;

/** What the time of a search depends on, beside the variants. */
export interface Plan extends Pick<SearchContext, 'budgets' | 'threads'> {
  spec: Pick<Spec, 'target' | 'search'>;
  parent: Pick<Model, 'config'>;
}

/** Roughly how long each stage will take, in seconds: an estimate, for the progress of the whole run. */
export function planSeconds({ spec, parent, budgets, threads }: Plan, variants: readonly LayerVariants[]) {
  const options = { weights: 'F32', context: budgets.sequenceLength } as const;
  const perToken = modelCosts(parent.config, options).flopsPerToken;
  const perLayer = (perToken - nonBlockCosts(parent.config, options).flopsPerToken) / variants.length;
  const all = variants.flatMap((layer) => HALVES.flatMap((half) => [...layer[half].slice(1)]));
  const trained = all.filter(({ shape }) => shape.kind !== 'no-op').length;
  const rows = new Set(
    variants.flatMap((layer) => HALVES.flatMap((half) => layer[half].map(({ name }) => `${half}/${name}`))),
  );
  const seconds = (flops: number) => flops / (FLOPS_PER_CORE * threads);
  return {
    space: 2,
    distil: seconds(trained * budgets.distilTokens * perLayer * TRAINING * VARIANT_SHARE),
    score: seconds(all.length * budgets.scoreTokens * perToken * TAIL_SHARE),
    measure: spec.target.engine === 'table' ? 1 : rows.size * SECONDS_PER_MEASURED_ROW,
    solve: spec.search.interactions
      ? seconds(spec.search.evaluations * SEARCHED_SHARE * budgets.scoreTokens * perToken)
      : 1,
    assemble: 1,
    uptrain: seconds(budgets.uptrainTokens * perToken * (1 + TRAINING * CHILD_SHARE)),
    evaluate: EVALUATION_SECONDS,
    export: 1,
  } satisfies Record<Stage, number>;
}
