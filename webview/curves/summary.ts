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
  if (lowest === undefined || highest === undefined) return 'No points yet.';
  if (ends.length <= 3) return `${ends.map(courseText).join('. ')}.`;
  const steps = Math.max(...ends.map((end) => end.steps));
  return (
    `${plural(ends.length, 'curve')}, up to ${plural(steps, 'step')}. ` +
    `Lowest at the end: ${lowest.name}, ${significant(lowest.last)}. Highest: ${highest.name}, ${significant(highest.last)}.`
  );
}

function courseText({ name, first, last, steps }: Ends): string {
  return `${name}: ${significant(first)} to ${significant(last)} in ${count(steps)} steps`;
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
