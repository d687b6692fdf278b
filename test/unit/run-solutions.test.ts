import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { compareSolutions, mergeRuns, readSolutions } from '../../src/extension/panel/comparison.js';
import type { ComparedModel } from '../../src/protocol/panel.js';
import { createRun } from '../../src/run/run.js';
import {
  dropSolution,
  keepSolution,
  keptSolutions,
  loggedSolutions,
  type RunSolution,
} from '../../src/search/run-solutions.js';
import { saying } from '../support/errors.js';
import { temporaryDirectory } from '../support/run-process.js';
import { apartText, differingLayers, limitTexts, solutionNames } from '../../webview/comparison/solutions.js';

const METRICS = { throughput: 2, memory: 3, latency: 4, parameters: 5, kvCache: 6 };
const solution = (limit: string, ...ffns: string[]): RunSolution => ({
  ...{ limits: [limit], objective: 0.1, totals: METRICS, parent: METRICS },
  architecture: ffns.map((ffn) => ({ attention: 'kv4', ffn })),
});
const [FAST, FASTER, SMALL] = [
  solution('throughput >= 2x', 'ffn-100%', 'ffn-50%'),
  solution('throughput >= 3x', 'ffn-50%', 'no-op'),
  solution('memory <= 40%', 'ffn-100%', 'no-op'),
];

const MODEL: ComparedModel = {
  ...{ name: 'parent', dir: '/p', parameters: 1, memoryBytes: 1, predictedThroughput: 1, measuredThroughput: 1 },
  ...{ speedup: null, perplexity: 1, kl: 0, accuracy: null, accuracyStandardError: null, tasks: [] },
};

/** A run that was solved for each of these, as the solve stage logs it. */
async function solvedRun(t: TestContext, ...solutions: RunSolution[]): Promise<string> {
  const dir = await temporaryDirectory(t);
  const run = await createRun(join(dir, 'run'), {});
  for (const [index, { limits, ...rest }] of solutions.entries()) {
    const meta = { stage: 'solve', kind: 'solve', label: 'solve' } as const;
    const result = { ...rest, status: 'optimal', limits: limits.map((text) => ({ text, binding: true })) };
    await run.once(String(index).repeat(32), meta, () => Promise.resolve({ result }));
  }
  await run.once('f'.repeat(32), { stage: 'export', kind: 'export', label: 'export' }, () => Promise.resolve({}));
  await run.close();
  return join(dir, 'run');
}

describe('the solutions of a run', () => {
  it('are those of its log, of equal ones the last', async (t) => {
    const again = { ...FAST, objective: 0.2 };
    assert.deepEqual(await loggedSolutions(await solvedRun(t, FAST, FASTER, again)), [FASTER, again]);
    assert.deepEqual(await loggedSolutions(await temporaryDirectory(t)), []);
  });

  it('can be kept with it, once each, and forgotten', async (t) => {
    const dir = await temporaryDirectory(t);
    for (const one of [FAST, FASTER, FAST]) await keepSolution(dir, one);
    assert.deepEqual(await keptSolutions(dir), [FASTER, FAST]);
    await dropSolution(dir, FASTER);
    assert.deepEqual(await keptSolutions(dir), [FAST]);
    // A second click on what is gone already takes nothing else along.
    await dropSolution(dir, FASTER);
    assert.deepEqual(await keptSolutions(dir), [FAST]);
    await writeFile(join(dir, 'kept-solutions.json'), '{}');
    await assert.rejects(keptSolutions(dir), saying(/not a list of solutions/));
  });

  it('stand in order: the child’s, the present one where it is none of the others, the others', () => {
    const stored = { own: null, logged: [FASTER, FAST], kept: [SMALL] };
    const origins = (present: RunSolution | null) =>
      compareSolutions(stored, FAST.architecture, present).map(({ origin, limits }) => [origin, limits[0]]);
    const others = [
      ['earlier', 'throughput >= 3x'],
      ['kept', 'memory <= 40%'],
    ];
    assert.deepEqual(origins(null), [['child', 'throughput >= 2x'], ...others]);
    assert.deepEqual(origins({ ...FAST, limits: ['latency <= 40%'] }), [['child', 'throughput >= 2x'], ...others]);
    const news = solution('latency <= 40%', 'no-op', 'no-op');
    assert.deepEqual(origins(news)[1], ['present', 'latency <= 40%']);
  });

  it('have the child’s where whole architectures were searched, which no solve came to', () => {
    const searched = solution('throughput >= 2x', 'no-op', 'ffn-50%');
    const stored = { own: searched, logged: [FAST], kept: [] };
    const told = (child: RunSolution['architecture'] | null, present: RunSolution | null) =>
      compareSolutions(stored, child, present).map(({ origin, architecture }) => [origin, architecture]);
    const earlier = ['earlier', FAST.architecture];
    assert.deepEqual(told(searched.architecture, searched), [['child', searched.architecture], earlier]);
    assert.deepEqual(told(null, searched), [['present', searched.architecture], earlier], 'before there is a report');
    assert.deepEqual(told(FAST.architecture, null), [
      ['child', FAST.architecture],
      ['earlier', searched.architecture],
    ]);
  });

  it('are told apart by name, by how much and by layer', () => {
    const compared = compareSolutions({ own: null, logged: [FAST, FASTER], kept: [FASTER] }, FAST.architecture, null);
    assert.deepEqual(solutionNames(compared), ['child', 'earlier 1', 'kept 1']);
    assert.deepEqual(compared.map(limitTexts), [['throughput ≥ 2×'], ['throughput ≥ 3×'], ['throughput ≥ 3×']]);
    const [child, faster] = compared;
    assert.ok(child && faster);
    assert.equal(apartText(faster, child), '2 of 4');
    assert.equal(apartText(child, child), 'none');
    assert.equal(apartText({ ...child, architecture: [] }, child), 'another depth');
    assert.deepEqual(differingLayers([child, child]), []);
    const small = compareSolutions({ own: null, logged: [], kept: [SMALL] }, null, null);
    assert.deepEqual(differingLayers([child, ...small]), [
      {
        layer: 1,
        choices: [
          { text: 'kv4 + ffn-50%', differs: false },
          { text: 'kv4 + no-op', differs: true },
        ],
      },
    ]);
  });

  it('stand side by side with those of other runs, each with its run, and differ from the first of all', async (t) => {
    const runs = [await solvedRun(t, FASTER, FAST), await solvedRun(t, FASTER, SMALL)];
    await keepSolution(runs[1] ?? '', FAST);
    const compared = mergeRuns(
      await Promise.all(
        runs.map(async (runDir, index) => {
          const { architecture } = index === 0 ? FAST : SMALL;
          const measured = { runDir, report: '', architecture, parent: MODEL, child: MODEL, baselines: [] };
          return { measured, solutions: compareSolutions(await readSolutions(runDir), architecture, null) };
        }),
      ),
    );
    const solutions = compared?.solutions ?? [];
    const [one, other] = compared?.models.slice(1).map(({ name }) => name) ?? [];
    assert.ok(one !== undefined && other !== undefined && one !== other);
    assert.deepEqual(solutionNames(solutions), [
      ...[`${one}: child`, `${one}: earlier 1`],
      ...[`${other}: child`, `${other}: earlier 1`, `${other}: kept 1`],
    ]);
    const [first] = solutions;
    assert.ok(first);
    assert.deepEqual(
      solutions.map((solution) => apartText(solution, first)),
      ['none', '2 of 4', '1 of 4', '2 of 4', 'none'],
    );
    const choices = differingLayers(solutions).map((layer) => layer.choices.map((choice) => choice?.differs));
    assert.deepEqual(choices, [
      [false, true, false, true, false],
      [false, true, true, true, false],
    ]);
  });
});
