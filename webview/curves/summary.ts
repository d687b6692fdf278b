import * as l10n from '@vscode/l10n';
import { count, plural, significant } from '../ui/format.js';
import type { Curve, CurveGroup } from './groups.js';

interface Ends {
  name: string;
  first: number;
  last: number;
  steps: number;
}

/** What the chart shows, in words: how many curves, how far, the lowest and the highest, where they came from. */
export function curvesSummary(groups: readonly CurveGroup[]): string {
  const ends = groups.flatMap(({ title, curves }) => curves.flatMap((curve) => endsOf(curve, title)));
  const lowest = extreme(ends, (one, other) => one.last < other.last);
  const highest = extreme(ends, (one, other) => one.last > other.last);
  if (lowest === undefined || highest === undefined) return l10n.t('No points yet.');
  if (ends.length <= 3) return `${ends.map(courseText).join('. ')}.`;
  const steps = Math.max(...ends.map((end) => end.steps));
  const [low, high] = [significant(lowest.last), significant(highest.last)];
  return [
    plural(
      steps,
      l10n.t('{0} curves, 1 step.', count(ends.length)),
      l10n.t('{0} curves, up to {1} steps.', count(ends.length), count(steps)),
    ),
    l10n.t('Lowest at the end: {0}, {1}. Highest: {2}, {3}.', lowest.name, low, highest.name, high),
  ].join(' ');
}

function courseText({ name, first, last, steps }: Ends): string {
  return l10n.t('{0}: {1} to {2} in {3} steps', name, significant(first), significant(last), count(steps));
}

function endsOf({ name, series: { steps, values } }: Curve, title: string | null): Ends[] {
  const finite = values.filter((value) => value !== null);
  const [first, last, step] = [finite[0], finite.at(-1), steps.at(-1)];
  if (first === undefined || last === undefined || step === undefined) return [];
  return [{ name: title === null ? name : `${title} ${name}`, first, last, steps: step }];
}

function extreme(ends: readonly Ends[], better: (one: Ends, other: Ends) => boolean): Ends | undefined {
  return ends.reduce<Ends | undefined>(
    (best, end) => (best === undefined || better(end, best) ? end : best),
    undefined,
  );
}
