import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SearchState } from '../../src/extension/panel/search-state.js';
import { EditClock } from '../../src/extension/panel/edit-clock.js';
import type { RunView } from '../../src/protocol/run.js';
import type { SolutionView, SolveAnswer } from '../../src/protocol/solution.js';
import { toNemotronNas } from '../../src/formats/hf-config.js';
import { STAGES } from '../../src/run/events.js';
import { createRun } from '../../src/run/run.js';
import { buildReport, writeReport } from '../../src/search/report.js';
import { keepSolution, keptSolutions } from '../../src/search/run-solutions.js';
import { parseSpec, resolveSpec } from '../../src/search/spec.js';
import { exampleReportPieces } from '../support/report-pieces.js';
import { temporaryDirectory } from '../support/run-process.js';

const SPEC = `{
  // faster
  "parent": "model", "data": { "text": "text.txt" },
  "limits": { "throughput": ">= 2x", "kv": "<= 60%" },
  "rules": [{ "layer": 1, "half": "ffn", "ban": ["no-op"] }],
  "margin": 0.02
}`;

const NO_DISPOSABLE = { dispose: () => undefined };

/** Waits for what files and their readers are needed for. */
async function until(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !isSo();) {
    assert.ok(Date.now() < end, `not within 10 s: ${String(isSo)}`);
    await sleep(5);
  }
}

interface Asked {
  method: string;
  params: { limits?: Record<string, string>; rules?: unknown; margin?: number; run?: string };
  answer: (result: unknown) => Promise<void>;
  fail: (message: string) => Promise<void>;
}

/** A search state over a real folder, with a worker that answers when the test says so. */
async function stateOf(test: TestContext) {
  const folder = await temporaryDirectory(test);
  const [file, runDir] = [join(folder, 'a.puzzle.json'), join(folder, '.puzzle/a')];
  const asked: Asked[] = [];
  const worker = { state: 'ready' as 'ready' | 'down', listener: undefined as (() => unknown) | undefined };
  const runs = {
    view: undefined as RunView | undefined,
    listener: undefined as ((dir: string) => unknown) | undefined,
  };
  let changes = 0;
  const state = new SearchState(
    { uri: `file://${file}`, file, name: 'a.puzzle.json', runDir },
    {
      runs: {
        get: (dir) => (dir === runDir ? runs.view : undefined),
        onDidChange: (listener) => ((runs.listener = listener), NO_DISPOSABLE),
      },
      worker: {
        ask: ({ method }, params) =>
          new Promise((resolve, reject) => {
            const settle = async (act: () => void) => {
              act();
              await sleep(5);
            };
            asked.push({
              ...{ method, params: params as Asked['params'] },
              answer: (result) =>
                settle(() => {
                  resolve(result as never);
                }),
              fail: (message) =>
                settle(() => {
                  reject(new Error(message));
                }),
            });
          }),
        state: () => ({ state: worker.state, message: worker.state === 'down' ? 'it crashed' : null }),
        onDidChangeState: (listener) => ((worker.listener = listener), NO_DISPOSABLE),
      },
    },
    () => changes++,
  );
  test.after(() => {
    state.dispose();
  });
  return {
    ...{ folder, runDir, state, asked },
    changes: () => changes,
    solves: () => asked.filter(({ method }) => method === 'solve'),
    setRun: (view: RunView | undefined) => {
      runs.view = view;
      runs.listener?.(runDir);
    },
    setWorker: (condition: 'ready' | 'down') => {
      worker.state = condition;
      worker.listener?.();
    },
  };
}

/** A run that has done all stages before `until`. */
function runAt(dir: string, until: (typeof STAGES)[number], state: RunView['state'] = 'running'): RunView {
  const nothing = { done: 0, total: 0, seconds: 1, etaSeconds: null, tokens: 0 };
  const stages = STAGES.map((stage) => {
    const isDone = state === 'done' || STAGES.indexOf(stage) < STAGES.indexOf(until);
    return { ...nothing, stage, state: isDone ? ('done' as const) : ('waiting' as const) };
  });
  return {
    ...{
      dir,
      name: 'a',
      state,
      stage: until,
      stages,
      progress: 0.5,
      etaSeconds: null,
      seconds: 1,
      apartSeconds: 0,
      error: null,
    },
    ...{ warnings: [], tasks: { finished: 0, failed: 0, retried: 0 }, lastEvent: 0, vitals: null },
  };
}

function solved(
  layers: readonly { attention: string; ffn: string }[],
  limits: SolutionView['limits'] = [],
): Extract<SolveAnswer, { kind: 'solved' }> {
  const half = (name: string) => ({ name, kind: 'full', kept: 1, parameters: 10, detail: '' }) as const;
  const metrics = {
    ...{ throughput: 100, generatedThroughput: 50, memory: 1e6, latency: 1, parameters: 1e5, kvCache: 1e5 },
    ...{ timeToFirstToken: 0.5, timePerOutputToken: 0.01 },
  };
  const solution: SolutionView = {
    ...{ status: 'optimal', objective: 0.5, bound: 0.5, gap: 0, nodes: 1, milliseconds: 1, limits },
    searched: null,
    ...{ totals: metrics, parent: { ...metrics, throughput: 50 }, batch: 1, estimated: null, scoreUnit: 'nats/token' },
    map: {
      ...{ family: 'llama', hiddenSize: 64, heads: 8, notes: [] },
      layers: layers.map((layer) => ({
        ...{ attention: half(layer.attention), ffn: half(layer.ffn), kvBytesPerToken: 1, score: 0 },
      })),
      totals: { parameters: 1, known: 1, nonBlock: 1, attention: 1, ffn: 1, kvBytesPerToken: 1 },
    },
  };
  return { kind: 'solved', solution };
}

/** What becomes of a report in a run directory. */
async function writeExampleReport(runDir: string) {
  const pieces = exampleReportPieces();
  await mkdir(runDir, { recursive: true });
  const paths = { ...pieces.paths, run: runDir, report: join(runDir, 'report.json'), child: join(runDir, 'child') };
  await writeReport(buildReport({ ...pieces, paths, child: { ...pieces.child, dir: paths.child } }));
  return pieces;
}

describe('the state of a search panel', () => {
  it('is that of the spec alone while there is no run, and asks nothing of the worker', async (test) => {
    const { state, asked } = await stateOf(test);
    state.setText(SPEC);
    const { spec, run, answer, solving } = state.content();
    assert.deepEqual(spec?.limits, [
      { metric: 'throughput', text: '>= 2x', problem: null },
      { metric: 'kvCache', text: '<= 60%', problem: null },
    ]);
    assert.deepEqual(spec.rules, [{ layer: 1, half: 'ffn', ban: ['no-op'] }]);
    assert.equal(spec.target, '32 × (128 + 128) tokens on onnxruntime');
    assert.deepEqual([run, answer, solving, asked.length], [null, null, false, 0]);
  });

  it('keeps the last spec that could be read beside what is wrong with the text', async (test) => {
    const { state } = await stateOf(test);
    state.setText(SPEC);
    state.setText(SPEC.replace('"margin": 0.02', '"margin":'));
    const { spec } = state.content();
    assert.match(spec?.problem ?? '', /a\.puzzle\.json: line 7/);
    assert.equal(spec?.limits.length, 2);
    state.setText(SPEC.replace('">= 2x"', '"fast"').replace('"kv"', '"speed"'));
    const { spec: odd } = state.content();
    assert.match(odd?.limits[0]?.problem ?? '', /"fast" is not understood/);
    assert.match(odd?.problem ?? '', /"speed" cannot be limited/);
  });

  it('solves for the spec once the run has scores and costs, and not again for the same', async (test) => {
    const { state, runDir, solves, setRun } = await stateOf(test);
    state.setText(SPEC);
    setRun(runAt(runDir, 'measure'));
    assert.equal(solves().length, 0);
    setRun(runAt(runDir, 'solve'));
    setRun({ ...runAt(runDir, 'solve'), progress: 0.6 });
    assert.deepEqual(
      solves().map(({ params }) => params),
      [
        {
          run: runDir,
          limits: { throughput: '>= 2x', kv: '<= 60%' },
          rules: [{ layer: 1, half: 'ffn', ban: ['no-op'] }],
          margin: 0.02,
        },
      ],
    );
    assert.ok(state.content().solving);
    await solves()[0]?.answer(solved([]));
    assert.equal(state.content().answer?.kind, 'solved');
    assert.ok(!state.content().solving);
    // Costs that were measured anew make another question of the same limits.
    const again = runAt(runDir, 'uptrain');
    setRun({ ...again, stages: again.stages.map((stage) => ({ ...stage, seconds: 2 })) });
    assert.equal(solves().length, 2);
  });

  it('tries a limit out without the spec, until the spec says otherwise', async (test) => {
    const { state, runDir, solves, setRun } = await stateOf(test);
    state.setText(SPEC);
    setRun(runAt(runDir, 'solve'));
    await solves()[0]?.answer(solved([]));
    state.tryLimit('kvCache', '<= 30%');
    state.tryLimit('memory', '<= 50%');
    assert.deepEqual(
      state.content().spec?.limits.map(({ text }) => text),
      ['>= 2x', '<= 30%', '<= 50%'],
    );
    await solves()[1]?.answer(solved([]));
    assert.deepEqual(solves()[2]?.params.limits, { throughput: '>= 2x', kv: '<= 30%', memory: '<= 50%' });
    state.tryLimit('throughput', null);
    assert.deepEqual(
      state.content().spec?.limits.map(({ metric }) => metric),
      ['kvCache', 'memory'],
    );
    state.setText(`${SPEC}\n`);
    assert.deepEqual(
      state.content().spec?.limits.map(({ text }) => text),
      ['>= 2x', '<= 60%'],
    );
  });

  it('says that the worker is down, and asks again when it is back', async (test) => {
    const { state, runDir, solves, setRun, setWorker } = await stateOf(test);
    state.setText(SPEC);
    setRun(runAt(runDir, 'solve'));
    await solves()[0]?.answer(solved([]));
    state.tryLimit('memory', '<= 50%');
    setWorker('down');
    await solves()[1]?.fail('the worker ended');
    const { worker, answer, error, solving } = state.content();
    assert.deepEqual(worker, { state: 'down', message: 'it crashed' });
    assert.deepEqual([answer?.kind, error, solving], ['solved', null, false]);
    setWorker('ready');
    assert.equal(solves().length, 3);
    assert.deepEqual(solves()[2]?.params, solves()[1]?.params);
  });

  it('compares what was measured, and the present solution where it is not the child', async (test) => {
    const { state, runDir, solves, setRun } = await stateOf(test);
    const { solution } = await writeExampleReport(runDir);
    state.setText(SPEC);
    setRun(runAt(runDir, 'export', 'done'));
    await solves()[0]?.answer(solved(solution.architecture));
    const names = () => state.content().comparison?.models.map(({ name }) => name);
    await until(() => state.content().answerIsChild);
    assert.deepEqual(names(), ['parent', 'child', 'uniform width']);
    assert.equal(state.content().comparison?.report, join(runDir, 'report.json'));
    assert.equal(state.modelDir('child'), join(runDir, 'child'));
    state.tryLimit('memory', '<= 50%');
    await solves()[1]?.answer(solved(solution.architecture.toReversed()));
    assert.ok(!state.content().answerIsChild);
    assert.deepEqual(names(), ['parent', 'child', 'solution', 'uniform width']);
    const predicted = state.content().comparison?.models[2];
    assert.deepEqual([predicted?.predictedThroughput, predicted?.measuredThroughput], [100, null]);
  });

  it('forgets of what was kept what it is told to, however fast', async (test) => {
    const { state, runDir, setRun } = await stateOf(test);
    const metrics = { throughput: 1, memory: 1, latency: 1, parameters: 1, kvCache: 1 };
    const [one, two, three] = ['kv4', 'kv2', 'kv1'].map((attention) => ({
      ...{ limits: ['memory <= 50%'], objective: 1, totals: metrics, parent: metrics },
      architecture: [{ attention, ffn: 'ffn-100%' }],
    }));
    assert.ok(one && two && three);
    await mkdir(runDir, { recursive: true });
    for (const solution of [one, two, three]) await keepSolution(runDir, solution);
    setRun(runAt(runDir, 'solve'));
    // The second click of a double click, and one on the next row before the first is gone from the panel.
    await Promise.all([state.dropKept(one), state.dropKept(one), state.dropKept(two)]);
    assert.deepEqual(await keptSolutions(runDir), [three]);
  });

  it('keeps no solution that was found within other limits than those it would be kept with', async (test) => {
    const { state, runDir, solves, setRun } = await stateOf(test);
    await mkdir(runDir, { recursive: true });
    state.setText(SPEC);
    setRun(runAt(runDir, 'solve'));
    const limit = (metric: string, text: string, allowed: number) => ({
      ...{ metric, text, allowed, used: allowed, slack: 0, binding: true, shadowPrice: 0 },
    });
    const limits = [limit('throughput', '>= 2x', 100), limit('memory', '<= 50%', 1e6)];
    await solves()[0]?.answer(solved([{ attention: 'kv4', ffn: 'ffn-100%' }], limits));
    const { status, objective, gap, totals, map } = solved([{ attention: 'kv1', ffn: 'ffn-100%' }]).solution;
    const other = (beyond: Record<string, number>) => ({
      ...{ status, objective, gap, map },
      totals: { ...totals, ...beyond },
    });
    await assert.rejects(state.keep(other({ throughput: 99.99 })), /does not meet throughput >= 2x/);
    await assert.rejects(state.keep(other({ memory: 1e6 + 1 })), /does not meet memory <= 50%/);
    assert.deepEqual(await keptSolutions(runDir), []);
    await state.keep(other({ throughput: 100 * (1 - 1e-12) }));
    const kept = await keptSolutions(runDir);
    assert.deepEqual(
      kept.map((one) => [one.limits, one.architecture]),
      [[['throughput >= 2x', 'memory <= 50%'], [{ attention: 'kv1', ffn: 'ffn-100%' }]]],
    );
  });

  it('compares predictions where nothing is measured yet', async (test) => {
    const { state, runDir, solves, setRun } = await stateOf(test);
    state.setText(SPEC);
    setRun(runAt(runDir, 'solve'));
    await solves()[0]?.answer(solved([]));
    const { comparison } = state.content();
    assert.deepEqual(
      comparison?.models.map((model) => [model.name, model.predictedThroughput]),
      [
        ['parent', 50],
        ['solution', 100],
      ],
    );
    assert.equal(comparison.report, null);
  });

  it('says in words what of the spec is no longer that of the run, and reads the parent’s own map', async (test) => {
    const { state, folder, runDir, setRun } = await stateOf(test);
    await mkdir(join(folder, 'model'));
    await writeFile(join(folder, 'model/config.json'), JSON.stringify(toNemotronNas(exampleReportPieces().parent)));
    const spec = resolveSpec(parseSpec(SPEC, 'a'), join(folder, 'a.puzzle.json'));
    await (await createRun(runDir, { spec })).close();
    state.setText(SPEC);
    setRun(runAt(runDir, 'distil'));
    await until(() => state.content().parent?.layers.length === 5);
    state.setText(SPEC.replace('2x', '3x').replace('"margin"', '"seed": 7, "margin"'));
    await until(() => state.content().stale !== null);
    assert.match(state.content().stale ?? '', /^The limits changed: .*; the seed changed: .*\.$/);
    state.setText(SPEC.replace('// faster', '// faster still'));
    assert.equal(state.content().stale, null);
  });

  it('solves for what the run was started with where its spec is not there', async (test) => {
    const { state, folder, runDir, setRun, solves } = await stateOf(test);
    const spec = resolveSpec(parseSpec(SPEC, 'a'), join(folder, 'a.puzzle.json'));
    await (await createRun(runDir, { spec })).close();
    state.setText('', 'cannot be read');
    setRun(runAt(runDir, 'solve'));
    await until(() => solves().length === 1);
    assert.deepEqual(solves()[0]?.params.limits, spec.limits);
    assert.equal(state.content().spec?.problem, 'a.puzzle.json: cannot be read');
    assert.equal(state.modelDir('parent'), join(folder, 'model'));
  });

  it('tells a report that it does not understand as an error', async (test) => {
    const { state, runDir, setRun } = await stateOf(test);
    await mkdir(runDir, { recursive: true });
    await writeFile(join(runDir, 'report.json'), '{"version": 2}');
    state.setText(SPEC);
    setRun(runAt(runDir, 'export', 'failed'));
    await until(() => state.content().error !== null);
    assert.match(state.content().error ?? '', /report\.json: is not a report of this version/);
  });
});

describe('the clock of limits that are set', () => {
  it('stops at the state that has the limit and the answer to it', async () => {
    const took: number[] = [];
    const clock = new EditClock((milliseconds) => took.push(milliseconds));
    const spec = (text: string) => ({
      ...{ uri: '', name: '', problem: null, rules: [], target: '' },
      limits: [{ metric: 'memory' as const, text, problem: null }],
    });
    clock.begun('memory', '<= 50%');
    clock.told({ spec: spec('<= 60%'), solving: false, answer: solved([]) });
    clock.told({ spec: spec('<= 50%'), solving: true, answer: solved([]) });
    assert.equal(took.length, 0);
    await sleep(20);
    clock.told({ spec: spec('<= 50%'), solving: false, answer: solved([]) });
    clock.told({ spec: spec('<= 50%'), solving: false, answer: solved([]) });
    assert.equal(took.length, 1);
    assert.ok((took[0] ?? 0) >= 19);
  });
});
