import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openCheckpoint, readTensor, tensorEntry } from '../../src/formats/safetensors.js';
import { eventsPath, readEvents } from '../../src/run/event-log.js';
import type { RunEvent } from '../../src/run/events.js';
import { readRunView } from '../../src/run/view.js';
import type { CoupleResult } from '../../src/search/couple.js';
import { openVariant } from '../../src/search/library.js';
import { pairName } from '../../src/search/pair-name.js';
import type { LayerScores, SolvedArchitecture } from '../../src/search/solve.js';
import { puzzle } from '../support/cli.js';
import { tinyRun, tinySpec, writeSpec, writeTinySearch } from '../support/tiny-search.js';

const LIMITS = { throughput: '>= 1.9x' };
const DISTIL = { tokens: 512, distinctTokens: 512, batch: 4 };

async function eventsOf(run: string): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const { event } of readEvents(eventsPath(run))) events.push(event);
  return events;
}

async function json<T>(run: string, name: string): Promise<T> {
  return JSON.parse(await readFile(join(run, name), 'utf8')) as T;
}

/** Pairs that were trained, by their labels. */
async function trained(run: string): Promise<Map<string, { artifact: string | null; result: CoupleResult }>> {
  const events = await eventsOf(run);
  const labels = new Map<string, string>();
  const found = new Map<string, { artifact: string | null; result: CoupleResult }>();
  for (const event of events) {
    if (event.type === 'task-started' && event.kind === 'couple') labels.set(event.key, event.label);
    const label = event.type === 'task-finished' ? labels.get(event.key) : undefined;
    if (event.type !== 'task-finished' || label === undefined) continue;
    assert.ok(!found.has(label), `${label} was trained twice`);
    found.set(label, { artifact: event.artifact, result: event.result as CoupleResult });
  }
  return found;
}

describe('variants that are trained together', () => {
  let dir = '';
  let run = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'puzzle-test-'));
    run = tinyRun(dir);
    await writeTinySearch(dir, { limits: LIMITS, distil: DISTIL });
  });
  after(() => rm(dir, { recursive: true, force: true }));

  const search = async (changes: Record<string, unknown>, until: string): Promise<void> => {
    const spec = await writeSpec(dir, tinySpec({ limits: LIMITS, distil: { ...DISTIL, ...changes } }));
    const { status, stderr } = await puzzle('search', spec, '--until', until);
    assert.equal(status, 0, stderr);
  };

  it('are no part of a search that does not ask for it', async () => {
    await search({}, 'solve');
    assert.equal((await trained(run)).size, 0);
    assert.ok((await json<LayerScores[]>(run, 'scores.json')).every(({ pairs }) => pairs === undefined));
    const { stages } = await readRunView(run);
    assert.ok(!stages.some(({ stage }) => stage === 'couple'));
  });

  it('come nearer to the parent than apart, and are scored as pairs', async () => {
    await search({ coupled: true }, 'couple');
    const pairs = await trained(run);
    assert.ok(pairs.size > 0);
    for (const [label, { artifact, result }] of pairs) {
      const { lossApart, lossRefit = Infinity, lossAfter, tokens } = result;
      assert.ok(lossApart > 0 && lossAfter <= Math.min(lossApart, lossRefit), `${label}: ${lossAfter} of ${lossApart}`);
      assert.equal(artifact !== null, lossAfter < lossApart);
      assert.ok(tokens.gradient > 0 && tokens.gradient <= 512);
    }
    assert.ok([...pairs.values()].some(({ artifact }) => artifact !== null));
    const scores = await json<LayerScores[]>(run, 'scores.json');
    for (const [label, { artifact }] of pairs) {
      const [, layer = '', name = ''] = /^layer (\d+) (.*)$/.exec(label) ?? [];
      if (artifact !== null) assert.ok(Number(scores[Number(layer)]?.pairs?.[name]) > 0, label);
    }
    const { stages } = await readRunView(run);
    const stage = stages.find((one) => one.stage === 'couple');
    assert.deepEqual([stage?.state, stage?.done === stage?.total], ['done', true]);
    assert.ok((stage?.tokens ?? 0) > 512);
  });

  it('are in the child with their own weights, and are not trained again on the way', async () => {
    const before = await trained(run);
    await search({ coupled: true }, 'assemble');
    assert.deepEqual(await trained(run), before);
    const { architecture } = await json<SolvedArchitecture>(run, 'solution.json');
    const assembled = (await eventsOf(run)).flatMap((event) =>
      event.type === 'task-finished' && event.artifact?.startsWith('assembled/') ? [event.artifact] : [],
    );
    const child = await openCheckpoint(join(run, assembled.at(-1) ?? ''));
    let compared = 0;
    for (const [layer, { attention, ffn }] of architecture.entries()) {
      const artifact = before.get(`layer ${layer} ${pairName(attention, ffn)}`)?.artifact ?? null;
      if (artifact === null) continue;
      for (const [name, entry] of (await openVariant(join(run, artifact))).entries) {
        const [own, inChild] = [
          await readTensor(entry),
          await readTensor(tensorEntry(child, `model.layers.${layer}.${name}`)),
        ];
        // The child is in the parent's precision, BF16: half of 2^-8 relative.
        own.forEach((value, i) => {
          assert.ok(Math.abs(value - (inChild[i] ?? NaN)) <= 2 ** -8 * Math.abs(value) + 1e-30, `${name} ${i}`);
        });
        compared += 1;
      }
    }
    assert.ok(compared > 0, 'the child has pairs');
  });

  it('with no tokens are only fitted by least squares', async () => {
    await search({ coupled: true, coupledTokens: 0 }, 'couple');
    const results = (await eventsOf(run)).flatMap((event) =>
      event.type === 'task-finished' ? [event.result as Partial<CoupleResult> | undefined] : [],
    );
    const fitted = results.filter((result) => result?.lossApart !== undefined && result.tokens?.gradient === 0);
    assert.ok(fitted.length > 0);
    for (const result of fitted) {
      assert.equal(result?.lossAfter, Math.min(result?.lossApart ?? NaN, result?.lossRefit ?? Infinity));
    }
  });
});
