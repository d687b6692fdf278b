import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventsPath, readEvents } from '../../src/run/event-log.js';
import { pairName } from '../../src/search/pair-name.js';
import type { LayerScores, SolvedArchitecture } from '../../src/search/solve.js';
import { puzzle, puzzleJson } from '../support/cli.js';
import { tinyRun, tinySpec, writeSpec, writeTinySearch } from '../support/tiny-search.js';

const LIMITS = { throughput: '>= 1.9x' };

async function scoresOf(run: string): Promise<LayerScores[]> {
  return JSON.parse(await readFile(join(run, 'scores.json'), 'utf8')) as LayerScores[];
}

/** How often what was begun. */
async function started(run: string, kind: string): Promise<number> {
  let count = 0;
  for await (const { event } of readEvents(eventsPath(run))) {
    if (event.type === 'task-started' && event.kind === kind) count += 1;
  }
  return count;
}

describe('pairs of variants', () => {
  let dir = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'puzzle-test-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  it('are scored together where the spec asks for that, those that solutions use or all, and once', async () => {
    const run = tinyRun(dir);
    await writeTinySearch(dir, { limits: LIMITS });
    const solve = async (pairs: string): Promise<SolvedArchitecture> => {
      const spec = await writeSpec(dir, tinySpec({ limits: LIMITS, score: { tokens: 256, pairs } }));
      const { status, stderr } = await puzzle('search', spec, '--until', 'solve');
      assert.equal(status, 0, stderr);
      return JSON.parse(await readFile(join(run, 'solution.json'), 'utf8')) as SolvedArchitecture;
    };

    await solve('sum');
    assert.ok((await scoresOf(run)).every(({ pairs }) => pairs === undefined));
    const halves = await started(run, 'score');

    const near = await solve('near-optimal');
    const used = await scoresOf(run);
    const some = (await started(run, 'score')) - halves;
    assert.ok(some > 0);
    near.architecture.forEach(({ attention, ffn, score }, layer) => {
      if (attention === 'kv4' || ffn === 'ffn-100%') return;
      assert.equal(score, used[layer]?.pairs?.[pairName(attention, ffn)], 'a pair in the solution was scored');
    });

    await solve('all');
    const all = await scoresOf(run);
    // Two attentions and two FFNs in place of the parent's, in each of three layers.
    assert.equal((await started(run, 'score')) - halves, 12);
    for (const [layer, { attention, ffn, pairs = {} }] of all.entries()) {
      assert.equal(Object.keys(pairs).length, 4);
      for (const [name, score] of Object.entries(pairs)) {
        const [a = '', f = ''] = name.split(' + ');
        const sum = (attention[a] ?? NaN) + (ffn[f] ?? NaN);
        assert.ok(score !== null && score > 0 && score < 3 * sum, `${name}: ${score} for ${sum}`);
        assert.notEqual(score, sum);
        const before = used[layer]?.pairs?.[name];
        if (before !== undefined) assert.equal(score, before);
      }
    }
    // An editor that asks about the run goes by them as well.
    const asked = (await puzzleJson('solve', run)).answer as SolvedArchitecture;
    asked.architecture.forEach(({ attention, ffn, score }, layer) => {
      const pair = all[layer]?.pairs?.[pairName(attention, ffn)];
      if (pair !== undefined) assert.equal(score, pair);
    });
  });
});
