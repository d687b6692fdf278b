import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../src/common/errors.js';
import { createRun } from '../../src/run/run.js';
import { parseConstraintFlags, parseConstraints } from '../../src/search/constraints.js';
import { conflictingRules, InfeasibleError } from '../../src/search/infeasible.js';
import {
  allows,
  checkRules,
  type LayerRule,
  parseRuleFlags,
  replaceRules,
  ruleProblems,
} from '../../src/search/rules.js';
import { checkReachable, solveLibrary } from '../../src/search/solve.js';
import { solveStage } from '../../src/search/solve-stage.js';
import { temporaryDirectory } from '../support/run-process.js';
import { allArchitectures, anyLibrary, library, parentMetrics } from '../support/scored-library.js';
import { stageContext, tinyConfig } from '../support/stage-context.js';

const layers = [0, 1].map(() => ({
  attention: [{ name: 'kv4' }, { name: 'kv2' }, { name: 'no-op' }],
  ffn: [{ name: 'ffn-100%' }, { name: 'ffn-50%', failed: 'it failed in training' }],
}));
const solveWith = (limits: Record<string, string>, rules: LayerRule[]) =>
  solveLibrary(library, { constraints: parseConstraints(limits), margin: 0, rules });
const names = ({ architecture }: { architecture: { attention: string; ffn: string }[] }) =>
  architecture.map(({ attention, ffn }) => `${attention} ${ffn}`);
const refused = async (answer: Promise<unknown>): Promise<Error> => {
  const error: unknown = await answer.then(
    () => assert.fail('there is an architecture'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof InputError);
  return error;
};

describe('rules', () => {
  it('may name what the layers have, the parent’s own variant and a failed one to ban too', () => {
    const fine: LayerRule[] = [
      { layer: 0, half: 'attention', pin: 'kv4' },
      { layer: 1, half: 'attention', ban: ['kv4', 'no-op'] },
      { layer: 1, half: 'ffn', ban: ['ffn-50%'] },
    ];
    assert.deepEqual(ruleProblems(fine, layers), []);
  });

  it('that name what is not there are told what is, each at its field', () => {
    const wrong: LayerRule[] = [
      { layer: 2, half: 'ffn', pin: 'linear' },
      { layer: 0, half: 'attention', pin: 'kv3' },
      { layer: 1, half: 'ffn', ban: ['ffn-50%', 'kv2'] },
    ];
    assert.deepEqual(ruleProblems(wrong, layers), [
      { path: [0, 'layer'], message: 'layer 2 does not exist; layers are 0 to 1' },
      { path: [1, 'pin'], message: 'layer 0 has no attention variant "kv3"; possible: kv4, kv2, no-op' },
      { path: [2, 'ban', 1], message: 'layer 1 has no ffn variant "kv2"; possible: ffn-100%' },
    ]);
    assert.throws(() => {
      checkRules(wrong.slice(1), layers, 'my.puzzle.json: rules');
    }, /^InputError: my\.puzzle\.json: rules\.0\.pin: layer 0 has no attention variant "kv3"/);
  });

  it('that leave a layer nothing are told of, wherever they stand', () => {
    const nothing = (...rules: LayerRule[]) => ruleProblems(rules, layers);
    const rule = { layer: 1, half: 'attention' } as const;
    const message = 'the rules leave layer 1 no attention variant; possible: kv4, kv2, no-op';
    assert.deepEqual(nothing({ ...rule, pin: 'kv4' }, { ...rule, pin: 'kv2' }), [{ path: [1], message }]);
    assert.deepEqual(nothing({ ...rule, pin: 'kv4', ban: ['kv4'] }), [{ path: [0], message }]);
    assert.deepEqual(nothing({ ...rule, ban: ['kv4', 'kv2'] }, { ...rule, ban: ['no-op'] }), [{ path: [1], message }]);
    assert.deepEqual(nothing({ layer: 0, half: 'ffn', pin: 'ffn-50%' }), [
      {
        path: [0],
        message:
          'no ffn variant that the rules leave layer 0 can be had: ffn-50% (it failed in training); possible: ffn-100%',
      },
    ]);
  });

  it('may be written on a command line, where they replace those about the same half', () => {
    const flags = parseRuleFlags(['3:attention=kv2'], ['5:ffn=no-op', '5:ffn=linear', ' 0 : ffn = ffn-12.5% ']);
    assert.deepEqual(flags, [
      { layer: 3, half: 'attention', pin: 'kv2' },
      { layer: 5, half: 'ffn', ban: ['no-op'] },
      { layer: 5, half: 'ffn', ban: ['linear'] },
      { layer: 0, half: 'ffn', ban: ['ffn-12.5%'] },
    ]);
    const kept: LayerRule = { layer: 5, half: 'attention', pin: 'kv1' };
    assert.deepEqual(replaceRules([kept, { layer: 5, half: 'ffn', pin: 'linear' }], flags), [kept, ...flags]);
    for (const flag of ['3=kv2', 'attention=kv2', '3:head=kv2', '3:ffn', '3:ffn=', '-1:ffn=linear', '']) {
      assert.throws(() => parseRuleFlags([flag], []), /--pin: ".*" is not understood; write for example/);
    }
  });
});

describe('solving under rules', () => {
  it('takes what is pinned and leaves what is banned', async () => {
    assert.deepEqual(names(await solveWith({}, [{ layer: 0, half: 'attention', pin: 'kv1' }])), [
      'kv1 ffn-100%',
      'kv4 ffn-100%',
    ]);
    const faster = { throughput: '>= 1.25x' };
    assert.deepEqual(names(await solveWith(faster, [])), ['kv4 ffn-100%', 'no-op ffn-100%']);
    const ban: LayerRule = { layer: 1, half: 'attention', ban: ['no-op'] };
    const pin: LayerRule = { layer: 0, half: 'ffn', pin: 'ffn-100%' };
    assert.deepEqual(names(await solveWith(faster, [ban])), ['kv4 ffn-50%', 'kv1 ffn-100%']);
    assert.deepEqual(names(await solveWith(faster, [ban, pin])), ['no-op ffn-100%', 'kv4 ffn-100%']);
  });

  it('gives the best of all architectures that keep them', async () => {
    const name = (prefix: string) => fc.integer({ min: 0, max: 2 }).map((i) => `${prefix}${i}`);
    const rule = fc.record({ layer: fc.integer({ min: 0, max: 2 }), isFfn: fc.boolean() }).chain(({ layer, isFfn }) => {
      const half = isFfn ? 'ffn' : 'attention';
      const variant = name(isFfn ? 'f' : 'a');
      return fc.oneof(
        variant.map((pin): LayerRule => ({ layer, half, pin })),
        fc.array(variant, { minLength: 1, maxLength: 2 }).map((ban): LayerRule => ({ layer, half, ban })),
      );
    });
    const rules = fc.array(rule, { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(anyLibrary, rules, fc.integer({ min: 1, max: 100 }), async (library, rules, percent) => {
        const known = ruleProblems(rules, library.costs.layers).length === 0;
        const most = (percent / 100) * parentMetrics(library).memory + 1e-9;
        const fits = allArchitectures(library).filter(({ layers, metrics }) => {
          const isAllowed = layers.every(({ attention, ffn }, layer) => {
            return allows(rules, layer, 'attention', attention) && allows(rules, layer, 'ffn', ffn);
          });
          return isAllowed && metrics.memory <= most;
        });
        const constraints = parseConstraints({ memory: `<= ${percent}%` });
        const found = await solveLibrary(library, { constraints, margin: 0, rules }).then(
          ({ objective }) => objective,
          (error: unknown) => {
            assert.ok(error instanceof InputError);
            assert.equal(error instanceof InfeasibleError, known);
            return Infinity;
          },
        );
        assert.equal(found, known ? Math.min(...fits.map(({ score }) => score)) : Infinity);
      }),
      { numRuns: 100 },
    );
  });

  it('refuses a rule about a variant that is not there, or that failed', async () => {
    const unknown = await refused(solveWith({}, [{ layer: 0, half: 'attention', pin: 'kv2' }]));
    assert.equal(unknown.message, 'rules.0.pin: layer 0 has no attention variant "kv2"; possible: kv4, kv1, no-op');
    const failed = await refused(solveWith({}, [{ layer: 1, half: 'ffn', pin: 'ffn-50%' }]));
    assert.match(
      failed.message,
      /^rules\.0: no ffn variant .* can be had: ffn-50% \(it failed in training\); possible: ffn-100%$/,
    );
  });

  it('solves again only when a rule has changed', async (t) => {
    const run = await createRun(await temporaryDirectory(t), {});
    const solve = (rules: LayerRule[]) => {
      const context = stageContext(run, tinyConfig(), { rules });
      const requirements = { constraints: parseConstraintFlags(['memory<=65%']), margin: 0, rules };
      return solveStage(context, library.scores, [library.costs], requirements);
    };
    const rules: LayerRule[] = [{ layer: 0, half: 'attention', pin: 'kv4' }];
    const free = await solve([]);
    const pinned = await solve(rules);
    assert.ok(pinned.objective > free.objective);
    assert.deepEqual(await solve(rules), pinned);
    assert.equal(run.state().tasks.finished, 2);
    await run.close();
  });
});

describe('limits that cannot be met under rules', () => {
  const keep: LayerRule[] = [
    { layer: 0, half: 'attention', pin: 'kv4' },
    { layer: 0, half: 'ffn', ban: ['ffn-50%'] },
    { layer: 1, half: 'attention', pin: 'kv4' },
  ];

  it('name the rules at fault, what is reachable under them, and what would fit', async () => {
    const error = await refused(solveWith({ throughput: '>= 1.05x' }, keep));
    assert.ok(error instanceof InfeasibleError);
    assert.equal(
      error.message,
      'limits: no architecture of this space meets "throughput >= 1.05x" (alone, 1x can be reached) under the rules, ' +
        'of which "layer 0 attention is kv4" and "layer 0 ffn is not ffn-50%" and "layer 1 attention is kv4" suffice to ' +
        'prevent it; the smallest relaxation that fits: "throughput >= 1x"',
    );
    assert.deepEqual(error.relaxation, { throughput: '>= 1x' });
    const relaxed = await solveWith(error.relaxation, keep);
    assert.deepEqual(names(relaxed), ['kv4 ffn-100%', 'kv4 ffn-100%']);
    for (const rule of keep) {
      await solveWith(
        { throughput: '>= 1.05x' },
        keep.filter((other) => other !== rule),
      );
    }
  });

  it('name only those rules without which they could be met', async () => {
    const error = await refused(solveWith({ kvCache: '<= 25%' }, keep));
    assert.match(error.message, /under the rules, of which "layer 0 attention is kv4" suffices to prevent it;/);
  });

  it('say so when the rules are not at fault', async () => {
    const error = await refused(solveWith({ throughput: '>= 4x' }, keep));
    assert.match(error.message, /can be reached\) under the rules, nor without them; the smallest/);
  });

  it('are found out before anything is scored', async () => {
    const constraints = parseConstraints({ kvCache: '<= 25%' });
    await checkReachable(library.costs, { constraints, margin: 0 });
    const error = await refused(checkReachable(library.costs, { constraints, margin: 0, rules: keep }));
    assert.match(error.message, /of which "layer 0 attention is kv4" suffices/);
  });

  it('blame a set of rules no part of which is enough', async () => {
    const rule = fc.integer({ min: 0, max: 30 }).map((layer): LayerRule => ({ layer, half: 'ffn', pin: 'linear' }));
    const sets = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(rule, { selector: ({ layer }) => layer }), sets, async (rules, conflicts) => {
        // Feasible unless all of one of the sets hold.
        let asked = 0;
        const feasible = (some: readonly LayerRule[]) => {
          asked++;
          const held = new Set(some.map(({ layer }) => layer));
          return Promise.resolve(!conflicts.some((conflict) => conflict.every((layer) => held.has(layer))));
        };
        fc.pre(!(await feasible(rules)));
        asked = 0;
        const blamed = await conflictingRules(rules, feasible, Infinity);
        assert.ok(asked <= 2 + 2 * blamed.length * (1 + Math.ceil(Math.log2(rules.length))), `asked ${asked} times`);
        assert.equal(await feasible(blamed), false);
        assert.equal(await feasible(await conflictingRules(rules, feasible, 3)), false);
        for (const one of blamed) assert.ok(await feasible(blamed.filter((other) => other !== one)));
      }),
    );
  });
});
