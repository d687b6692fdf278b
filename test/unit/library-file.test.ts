import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { InputError } from '../../src/common/errors.js';
import { parseLibraryFile } from '../../src/search/library-file.js';
import { parseLibraryLimits, parsePlaces } from '../../src/search/library-limits.js';
import { puzzle, puzzleJson } from '../support/cli.js';
import { temporaryDirectory } from '../support/run-process.js';

interface Json {
  version: unknown;
  nonBlock: Record<string, unknown>;
  layers: { choices: { name: unknown; score: unknown; costs: Record<string, unknown> }[] }[];
}

/** Three layers: keep everything (10 MiB each), a part (6), or nothing (0); 4 MiB apart from the layers. */
function library(): Json {
  const choice = (name: string, score: number, memory: number) => ({
    name,
    score,
    costs: { memory_mib: memory, ms: 1 },
  });
  const layer = (scale: number) => ({
    choices: [choice('parent', 0, 10), choice('half', scale, 6), choice('no-op', 3 * scale, 0)],
  });
  return { version: 1, nonBlock: { memory_mib: 4 }, layers: [layer(1), layer(2), layer(5)] };
}

const choiceOf = (json: Json) => json.layers[1]?.choices[2] as Json['layers'][number]['choices'][number];

const REFUSED: [string, (json: Json) => unknown, RegExp][] = [
  ['a list', () => [], /^f\.json: is \[\]; it must be an object/],
  ['another version', (json) => ({ ...json, version: 2 }), /^f\.json: version: is 2; this program reads 1/],
  ['an unknown key', (json) => ({ ...json, layer: 1 }), /^f\.json: has "layer", where only version, nonBlock, layers/],
  ['no layers', (json) => ({ ...json, layers: [] }), /^f\.json: layers: has 0 entries/],
  [
    'a layer that is none',
    (json) => ({ ...json, layers: [null] }),
    /^f\.json: layers\[0\]: is null; it must be an object/,
  ],
  [
    'a missing score',
    (json) => (delete (choiceOf(json) as { score?: unknown }).score, json),
    /layers\[1\]\.choices\[2\]: lacks "score"/,
  ],
  [
    'a score that is a text',
    (json) => ((choiceOf(json).score = '1'), json),
    /layers\[1\]\.choices\[2\]\.score: is "1"; it must be a finite/,
  ],
  ['a name that is empty', (json) => ((choiceOf(json).name = ''), json), /layers\[1\]\.choices\[2\]\.name: is ""/],
  ['a cost that is null', (json) => ((choiceOf(json).costs['ms'] = null), json), /choices\[2\]\.costs\."ms": is null/],
  ['a missing cost', (json) => (delete choiceOf(json).costs['ms'], json), /choices\[2\]\.costs: lacks "ms"/],
  ['another cost', (json) => ((choiceOf(json).costs['disk'] = 1), json), /choices\[2\]\.costs: has "disk"/],
  [
    'an unknown cost apart from layers',
    (json) => ((json.nonBlock['disk'] = 1), json),
    /nonBlock\."disk": is a cost that the choices do not have/,
  ],
];

describe('a library file', () => {
  for (const [what, edit, message] of REFUSED) {
    it(`with ${what} is refused, with key and reason`, () => {
      assert.throws(
        () => parseLibraryFile(edit(library()), 'f.json'),
        (error) => error instanceof InputError && message.test(error.message),
      );
    });
  }

  it('takes limits in its own unit, in % of the parent with what is outside the layers, and equalities', () => {
    const file = parseLibraryFile(library(), 'f.json');
    const limits = ['memory_mib<=20', 'memory_mib <= 50%', 'ms>=1.5e0', 'memory_mib==20~1', 'ms == 100% ~ 10%'];
    assert.deepEqual(parseLibraryLimits(limits, file), [
      { cost: 'memory_mib', max: 20 },
      { cost: 'memory_mib', max: 17 },
      { cost: 'ms', min: 1.5 },
      { cost: 'memory_mib', min: 19, max: 21 },
      { cost: 'ms', min: 2.7, max: 3.3 },
    ]);
    for (const [limit, message] of [
      ['throughput>=2x', /throughput needs a workload, and a library file has none.*memory_mib, ms/],
      ['disk<=1', /the file has no cost "disk"; its costs are memory_mib, ms/],
      ['ms<=1 GiB', /has the unit "GiB"/],
      ['ms=1', /is not understood/],
      ['ms<=1~2', /only == takes/],
    ] as const) {
      assert.throws(() => parseLibraryLimits([limit], file), message);
    }
  });

  it('names choices of one layer, or of all', () => {
    const file = parseLibraryFile(library(), 'f.json');
    assert.deepEqual(parsePlaces(['1:half'], file, '--pin'), [{ layer: 1, choice: 1 }]);
    assert.equal(parsePlaces(['*:no-op'], file, '--ban').length, 3);
    assert.throws(() => parsePlaces(['1:kv2'], file, '--ban'), /layer 1 does not have a choice named "kv2"/);
  });
});

describe('puzzle solve --library', { concurrency: 2 }, () => {
  it('answers with the optimum and its certificate', async (t) => {
    const file = join(await temporaryDirectory(t), 'a.puzzle-library.json');
    await writeFile(file, JSON.stringify(library()));
    const { status, answer } = await puzzleJson('solve', '--library', file, '--constraint', 'memory_mib<=24');
    assert.equal(status, 0);
    const { milliseconds, shadowPrices, ...rest } = answer as Record<string, unknown>;
    assert.deepEqual(rest, {
      status: 'optimal',
      objective: 3,
      bound: 3,
      gap: 0,
      costs: { memory_mib: 24, ms: 3 },
      choices: ['no-op', 'parent', 'parent'],
      binding: ['memory_mib'],
    });
    assert.ok(typeof milliseconds === 'number' && milliseconds >= 0);
    assert.ok(((shadowPrices as Record<string, number>)['memory_mib'] ?? 0) > 0);
  });

  it('answers with exit 1 and the conflict where nothing fits, and with exit 2 to what cannot be used', async (t) => {
    const file = join(await temporaryDirectory(t), 'a.puzzle-library.json');
    await writeFile(file, JSON.stringify(library()));
    const none = await puzzleJson('solve', '--library', file, '--constraint', 'memory_mib<=3');
    assert.equal(none.status, 1);
    const { status, conflicts } = none.answer as { status: string; conflicts: unknown[] };
    assert.equal(status, 'infeasible');
    assert.deepEqual(conflicts, [{ cost: 'memory_mib', bound: 'max', limit: 3, reachable: 4 }]);
    for (const args of [
      ['--constraint', 'latency<=1'],
      ['--front', 'disk'],
      ['--max-shapes', '0'],
      ['--same', '2-9'],
    ]) {
      assert.equal((await puzzle('solve', '--library', file, ...args)).status, 2, args.join(' '));
    }
    assert.equal((await puzzle('solve')).status, 2);
  });

  it('tells fronts, diverse solutions and reasons', async (t) => {
    const file = join(await temporaryDirectory(t), 'a.puzzle-library.json');
    await writeFile(file, JSON.stringify(library()));
    const ask = async (...args: string[]) => (await puzzleJson('solve', '--library', file, ...args)).answer;
    const { points } = (await ask('--front', 'memory_mib', '--points', '3')) as {
      points: { objective: number; choices: string[] }[];
    };
    assert.deepEqual(
      points.map(({ objective }) => objective),
      [24, 9, 0],
    );
    const { solutions } = (await ask('--diverse', '2', '--overlap', '0.4')) as { solutions: { choices: string[] }[] };
    assert.deepEqual(
      solutions.map(({ choices }) => choices),
      [
        ['parent', 'parent', 'parent'],
        ['half', 'half', 'parent'],
      ],
    );
    const { explanation } = (await ask('--explain', '--constraint', 'memory_mib<=24')) as {
      explanation: { limits: { cost: string }[]; layers: { otherwise: number; exact: boolean }[] };
    };
    assert.deepEqual(
      explanation.limits.map(({ cost }) => cost),
      ['memory_mib'],
    );
    assert.equal(explanation.layers.length, 3);
  });
});
