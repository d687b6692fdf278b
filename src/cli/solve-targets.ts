import { resolve } from 'node:path';
import { bytes, count, duration, significant } from '../common/units.js';
import { type Constraint } from '../search/constraints.js';
import { InfeasibleError } from '../search/infeasible.js';
import type { OnTimed } from '../search/measure-here.js';
import { readTarget, retarget } from '../search/retarget.js';
import type { LayerRule } from '../search/rules.js';
import type { StoredLibrary } from '../search/stored-library.js';
import { requirementsOf, solveSweep, type SweptArchitecture } from '../search/sweep.js';
import type { LibraryCosts } from '../target/costs.js';
import { type Answer, EXIT, say } from './command.js';
import { renderTable } from './render-table.js';
import { targetNotes } from './target-notes.js';

/** What one of several targets has for an answer. */
type TargetAnswer = {
  target: string;
  /** Why some variants could not be chosen. */
  excluded?: string[];
} & (SweptArchitecture | { status: 'infeasible'; message: string });

/**
 * `puzzle solve RUN --target h100-sxm rtx-4090 costs.json`: the best child for each of these machines, from the same
 * library. One for which there is none does not keep the others from being told.
 */
export async function solveTargets(
  dir: string,
  stored: StoredLibrary,
  names: readonly string[],
  { constraints, rules }: { constraints: readonly Constraint[]; rules: readonly LayerRule[] },
): Promise<Answer> {
  const targets: TargetAnswer[] = [];
  for (const name of names) {
    const target = await readTarget(name, stored.spec);
    const libraries = await retarget(stored, target, tellTimed(name));
    const asked = { target, margin: stored.spec.margin, rules };
    const costs = libraries.map((library) => library.costs);
    const excluded = excludedFrom(costs);
    const about = { target: name, ...(excluded.length === 0 ? {} : { excluded }) };
    try {
      targets.push({ ...about, ...(await solveSweep(libraries, requirementsOf(asked, constraints, costs))) });
    } catch (error) {
      if (!(error instanceof InfeasibleError)) throw error;
      targets.push({ ...about, status: 'infeasible', message: error.reason });
    }
  }
  const isAnswered = targets.some(({ status }) => status !== 'infeasible');
  return {
    json: { run: resolve(dir), targets },
    text: render(targets),
    ...(isAnswered ? {} : { status: EXIT.failed }),
  };
}

/** Why some choices cannot be made, each reason once. */
function excludedFrom(costs: readonly LibraryCosts[]): string[] {
  const pairs = costs.flatMap(({ layers }) => layers.flatMap((layer) => layer.excluded ?? []));
  return [...new Set(pairs.map(({ why }) => why))];
}

/** Tells now and then how far the measuring is. */
function tellTimed(name: string): OnTimed {
  let told = 0;
  return (done, total) => {
    const tenths = Math.floor((10 * done) / total);
    if (tenths === told) return;
    told = tenths;
    say(`${name}: measured ${done} of ${total} rows`);
  };
}

function render(targets: readonly TargetAnswer[]): string {
  const rows = targets.map((answer) => {
    if (answer.status === 'infeasible') return [answer.target, 'none', '', '', '', '', ''];
    const { target, objective, totals, workload, architecture, parent } = answer;
    const attention = architecture.filter((layer) => layer.attention !== 'no-op').length;
    return [
      target,
      significant(objective),
      count(workload.batch),
      `${count(totals.throughput)} (${(totals.throughput / parent.throughput).toFixed(2)}x)`,
      duration(totals.timePerOutputToken),
      bytes(totals.memory),
      `${attention} of ${architecture.length}`,
    ];
  });
  const head = ['target', 'score', 'batch', 'tokens/s', 'token', 'memory', 'attention'];
  const notes = targets.flatMap((answer) => [
    ...(answer.status === 'infeasible' ? [`${answer.target}: ${answer.message}.`] : targetNotes(answer, answer.target)),
    ...(answer.excluded ?? []).map((why) => `${answer.target}: left out of the solution: ${why}.`),
  ]);
  return [renderTable(head, rows), '', ...notes, ''].join('\n');
}
