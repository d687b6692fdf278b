import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../src/common/errors.js';
import { createRun, openRun, type Run } from '../../src/run/run.js';
import { type Constraint, parseConstraintFlags, parseConstraints } from '../../src/search/constraints.js';
import { nearOptimalChoices } from '../../src/search/near-optimal.js';
import { type ScoredLibrary, solveLibrary } from '../../src/search/solve.js';
import { solveStage } from '../../src/search/solve-stage.js';
import { temporaryDirectory } from '../support/run-process.js';
import { allArchitectures, anyLibrary, library, parentMetrics } from '../support/scored-library.js';
import { stageContext, tinyConfig } from '../support/stage-context.js';

const names = ({ architecture }: { architecture: { attention: string; ffn: string }[] }) =>
  architecture.map(({ attention, ffn }) => `${attention} ${ffn}`);
const solveFor = (limits: Record<string, string>, margin = 0) =>
  solveLibrary(library, { constraints: parseConstraints(limits), margin });

describe('solving a library', () => {
  it('keeps the parent where nothing is limited', async () => {
    const solved = await solveFor({});
    assert.deepEqual(names(solved), ['kv4 ffn-100%', 'kv4 ffn-100%']);
    assert.equal(solved.objective, 0);
    assert.deepEqual(solved.totals, solved.parent);
    assert.deepEqual(solved.totals, {
      ...{ throughput: 100 / 4.5, memory: 4 * 300 + 1600, latency: 4.5, parameters: 300, kvCache: 1600 },
      ...{ generatedThroughput: 20 / 4.5, timeToFirstToken: solved.parent.timeToFirstToken, timePerOutputToken: 0.54 },
    });
  });

  it('picks the least drop that meets a limit, and proves it', async () => {
    const solved = await solveFor({ throughput: '>= 1.25x' });
    assert.deepEqual(names(solved), ['kv4 ffn-100%', 'no-op ffn-100%']);
    assert.deepEqual(solved.architecture[1], { attention: 'no-op', ffn: 'ffn-100%', score: 0.05 });
    assert.deepEqual([solved.status, solved.objective, solved.bound, solved.gap], ['optimal', 0.05, 0.05, 0]);
    assert.equal(solved.totals.latency, 3.5);
    assert.deepEqual(solved.binding, ['throughput']);
    const [limit] = solved.limits;
    assert.deepEqual([limit?.metric, limit?.text, limit?.binding], ['throughput', 'throughput >= 1.25x', true]);
    assert.ok(Math.abs((limit?.reached ?? 0) - 4.5 / 3.5) < 1e-12);
    assert.ok((limit?.shadowPrice ?? 0) > 0);
  });

  it('meets every one of several limits, absolute or relative', async () => {
    const solved = await solveFor({ memory: '<= 60%', latency: '<= 3 s', parameters: '<= 250', kv: '<= 400 B' });
    const { memory, latency, parameters, kvCache } = solved.totals;
    assert.ok(memory <= 0.6 * 2800 && latency <= 3 && parameters <= 250 && kvCache <= 400);
    for (const { text, reached } of solved.limits) {
      assert.ok(reached <= Number(/[\d.]+/.exec(text)?.[0]), `${text}: ${reached}`);
    }
  });

  it('leaves out what failed and what has no score', async () => {
    await assert.rejects(solveFor({ parameters: '<= 180' }), InputError);
    const { totals } = await solveFor({ parameters: '<= 190' });
    assert.equal(totals.parameters, 190);
  });

  it('goes by the score of a pair where there is one, and leaves out a pair that failed', async () => {
    const withPairs = (pairs: Record<string, number | null>) => ({
      ...library,
      scores: library.scores.map((scores, layer) => (layer === 0 ? { ...scores, pairs } : scores)),
    });
    const solveWith = (pairs: Record<string, number | null>, limits: Record<string, string>) =>
      solveLibrary(withPairs(pairs), { constraints: parseConstraints(limits), margin: 0 });
    const solved = await solveWith({ 'kv1 + ffn-50%': 0.01 }, { throughput: '>= 1.25x' });
    assert.deepEqual(solved.architecture[0], { attention: 'kv1', ffn: 'ffn-50%', score: 0.01 });
    assert.equal(solved.objective, 0.01);
    await assert.rejects(solveWith({ 'no-op + ffn-50%': null }, { parameters: '<= 190' }), InputError);
  });

  it('tightens runtime by the margin, and says what is left of it', async () => {
    const [loose, tight] = [await solveFor({ latency: '<= 3.5 s' }), await solveFor({ latency: '<= 3.5 s' }, 0.1)];
    assert.equal(loose.totals.latency, 3.5);
    assert.ok(tight.totals.latency <= 3.5 * 0.9);
    assert.ok(Math.abs((tight.limits[0]?.reached ?? 0) - tight.totals.latency / 0.9) < 1e-12);
  });
});

describe('the choices that near-optimal solutions use', () => {
  it('are those of the optimum, and of what differs from it', async () => {
    await fc.assert(
      fc.asyncProperty(anyLibrary, fc.integer({ min: 40, max: 100 }), async (library, share) => {
        const requirements = { constraints: parseConstraints({ latency: `<= ${share}%` }), margin: 0 };
        const used = await nearOptimalChoices(library, requirements);
        const solved = await solveLibrary(library, requirements).catch((error: unknown) => {
          if (error instanceof InputError) return undefined;
          throw error;
        });
        if (solved === undefined) {
          assert.deepEqual(used, []);
          return;
        }
        const keys = used.map(({ layer, attention, ffn }) => `${layer}: ${attention} ${ffn}`);
        assert.equal(new Set(keys).size, keys.length);
        names(solved).forEach((pair, layer) => {
          assert.ok(keys.includes(`${layer}: ${pair}`));
        });
      }),
      { numRuns: 60 },
    );
    const used = await nearOptimalChoices(library, { constraints: parseConstraints({ latency: '<= 80%' }), margin: 0 });
    assert.ok(used.length > library.costs.layers.length, 'more than one solution');
  });
});

describe('limits that nothing meets', () => {
  const messageFor = async (limits: Record<string, string>, margin = 0): Promise<string> => {
    const error: unknown = await solveFor(limits, margin).then(
      () => assert.fail('there is an architecture'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof InputError);
    return error.message;
  };

  it('are named with what can be reached and the smallest relaxation', async () => {
    assert.equal(
      await messageFor({ throughput: '>= 4x', memory: '<= 90%' }),
      'limits: no architecture of this space meets "throughput >= 4x" (alone, 2.25x can be reached); the smallest relaxation that fits: "throughput >= 2.25x"',
    );
  });

  it('together, though each alone could be met, are named together', async () => {
    const message = await messageFor({ kvCache: '<= 0.1x', parameters: '>= 250' });
    assert.match(
      message,
      /meets "kvCache <= 0\.1x" \(alone, 0x can be reached\) and "parameters >= 250" \(alone, 300 can/,
    );
    assert.match(message, /reached\) together; the smallest relaxation that fits: "parameters >= 220"$/);
  });

  it('are told with the margin that was asked for', async () => {
    assert.match(
      await messageFor({ latency: '<= 1.9 s' }, 0.2),
      /"latency <= 1\.9 s" \(alone, 2\.5 s can be reached\) with a margin of 20%/,
    );
  });

  it('can be met once they are relaxed as told', async () => {
    const percent = fc.integer({ min: 1, max: 60 });
    await fc.assert(
      fc.asyncProperty(percent, percent, percent, fc.constantFrom(0, 0.07), async (memory, latency, kv, margin) => {
        const limits = { memory: `<= ${memory}%`, latency: `<= ${latency}%`, kv: `<= ${kv}%` };
        const error: unknown = await solveFor(limits, margin).catch((thrown: unknown) => thrown);
        if (!(error instanceof InputError)) return;
        const [, advice = ''] = error.message.split('that fits: ');
        const relaxed = parseConstraintFlags([...advice.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text));
        assert.ok(relaxed.length > 0);
        const others = parseConstraints(limits).filter(({ metric }) => !relaxed.some((one) => one.metric === metric));
        await solveLibrary(library, { constraints: [...others, ...relaxed], margin });
      }),
    );
  });
});

describe('the answer', () => {
  it('is the best of all architectures', async () => {
    const percent = fc.integer({ min: 1, max: 100 });
    await fc.assert(
      fc.asyncProperty(anyLibrary, percent, percent, async (library, memory, latency) => {
        const constraints = parseConstraints({ memory: `<= ${memory}%`, latency: `<= ${latency}%` });
        const found = await solveLibrary(library, { constraints, margin: 0 }).then(
          ({ objective }) => objective,
          () => Infinity,
        );
        assert.equal(found, bruteForce(library, memory, latency));
      }),
      { numRuns: 60 },
    );
  });
});

function bruteForce(library: ScoredLibrary, memory: number, latency: number): number {
  const parent = parentMetrics(library);
  const fits = allArchitectures(library).filter(
    ({ metrics }) =>
      metrics.memory <= (memory / 100) * parent.memory + 1e-9 &&
      metrics.latency <= (latency / 100) * parent.latency + 1e-9,
  );
  return Math.min(...fits.map(({ score }) => score));
}

describe('the solve stage', () => {
  const solveIn = (run: Run, constraints: Constraint[], margin = 0) =>
    solveStage(stageContext(run, tinyConfig(), {}), library.scores, [library.costs], { constraints, margin });
  const memory = (percent: number) => parseConstraintFlags([`memory<=${percent}%`]);

  it('solves again only when a constraint, or the margin, has changed', async (t) => {
    const dir = await temporaryDirectory(t);
    const first = await createRun(dir, {});
    const solved = await solveIn(first, memory(60));
    await first.close();
    const second = await openRun(dir);
    assert.deepEqual(await solveIn(second, memory(60)), solved);
    assert.equal(second.state().tasks.finished, 1);
    const tighter = await solveIn(second, memory(50));
    assert.ok(tighter.objective > solved.objective);
    await solveIn(second, memory(50), 0.1);
    assert.equal(second.state().tasks.finished, 3);
    await solveIn(second, memory(60));
    assert.equal(second.state().tasks.finished, 3);
    await second.close();
  });

  it('fails with the explanation', async (t) => {
    const run = await createRun(await temporaryDirectory(t), {});
    await assert.rejects(solveIn(run, memory(1)), { name: 'InputError', message: /"memory <= 1%" \(alone, / });
    await run.close();
  });
});
