import { METRICS, type Metric, type TaskScores } from '../../model/score-choices.js';

/** A figure with its standard error. */
export interface Estimate {
  value: number;
  standardError: number;
}

/** One task under both models. */
export interface TaskComparison {
  name: string;
  items: number;
  chance: number;
  parent: Record<Metric, number>;
  child: Record<Metric, number>;
  /** Accuracy of the child minus that of the parent, on the same items. */
  difference: Record<Metric, Estimate>;
}

/** Mean accuracy over the tasks, each task counting the same whatever its size. */
export interface AccuracyKept {
  parent: number;
  child: number;
  chance: number;
  difference: Estimate;
  /** child / parent; null where the parent answers nothing right. */
  kept: Estimate | null;
  /** (child - chance) / (parent - chance); null where the parent is not above chance. */
  keptAboveChance: Estimate | null;
}

export interface TasksComparison {
  tasks: TaskComparison[];
  /** By either way to pick a choice; `sum` is the headline. */
  accuracy: Record<Metric, AccuracyKept>;
}

/** Compares two models' answers to the same tasks. */
export function compareTasks(parent: readonly TaskScores[], child: readonly TaskScores[]): TasksComparison {
  const pairs = parent.map((scores, i): [TaskScores, TaskScores] => {
    const other = child[i];
    if (other?.name !== scores.name || other.items !== scores.items) {
      throw new Error('the two models answered other tasks');
    }
    return [scores, other];
  });
  return {
    tasks: pairs.map(([ofParent, ofChild]) => ({
      name: ofParent.name,
      items: ofParent.items,
      chance: ofParent.chance,
      parent: ofParent.accuracy,
      child: ofChild.accuracy,
      difference: byMetric((metric) => difference([[ofParent, ofChild]], metric)),
    })),
    accuracy: byMetric((metric) => accuracyKept(pairs, metric)),
  };
}

type Pairs = readonly (readonly [parent: TaskScores, child: TaskScores])[];

function byMetric<T>(of: (metric: Metric) => T): Record<Metric, T> {
  return Object.fromEntries(METRICS.map((metric) => [metric, of(metric)])) as Record<Metric, T>;
}

function accuracyKept(pairs: Pairs, metric: Metric): AccuracyKept {
  const parent = mean(pairs.map(([scores]) => scores.accuracy[metric]));
  const child = mean(pairs.map(([, scores]) => scores.accuracy[metric]));
  const chance = mean(pairs.map(([scores]) => scores.chance));
  return {
    parent,
    child,
    chance,
    difference: difference(pairs, metric),
    kept: ratio(pairs, metric, child, parent),
    keptAboveChance: ratio(pairs, metric, child - chance, parent - chance),
  };
}

function difference(pairs: Pairs, metric: Metric): Estimate {
  const value = mean(pairs.map(([parent, child]) => child.accuracy[metric] - parent.accuracy[metric]));
  return { value, standardError: contrastError(pairs, metric, 1) };
}

/**
 * above / below with its standard error by the delta method: to first order a ratio r = C / P moves as (C - r P) / P,
 * and C and P are the mean accuracies less constants.
 */
function ratio(pairs: Pairs, metric: Metric, above: number, below: number): Estimate | null {
  if (!(below > 0)) return null;
  const value = above / below;
  return { value, standardError: contrastError(pairs, metric, value) / below };
}

/**
 * Standard error of (child - factor * parent), mean accuracies over tasks of independent items. Paired: it is the
 * spread of each item's own contrast that counts, and items on which both models agree add little.
 */
function contrastError(pairs: Pairs, metric: Metric, factor: number): number {
  const variances = pairs.map(([parent, child]) => {
    const right = child.correct[metric];
    const contrasts = parent.correct[metric].map((ofParent, i) => (right[i] ?? NaN) - factor * ofParent);
    return sampleVariance(contrasts) / contrasts.length;
  });
  return Math.sqrt(variances.reduce((a, b) => a + b, 0)) / pairs.length;
}

/** Unbiased; 0 of a single number. */
function sampleVariance(values: readonly number[]): number {
  const centre = mean(values);
  const squares = values.reduce((total, value) => total + (value - centre) ** 2, 0);
  return values.length < 2 ? 0 : squares / (values.length - 1);
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
