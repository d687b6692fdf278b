import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CancellationTokenSource, ResponseError } from 'vscode-jsonrpc/node.js';
import { z } from 'zod';
import { request } from '../../src/protocol/messages.js';
import {
  diverseQuestion,
  exportQuestion,
  frontQuestion,
  generateQuestion,
  HELLO,
  hello,
  layerQuestion,
  preflightQuestion,
  rangesQuestion,
  solveQuestion,
} from '../../src/protocol/questions.js';
import type { LayerRule, SolutionView, SolveAnswer } from '../../src/protocol/solution.js';
import { createRun } from '../../src/run/run.js';
import { SCORES_FILE } from '../../src/search/run-files.js';
import type { LayerScores, SolvedArchitecture } from '../../src/search/solve.js';
import { readSpec, resolveSpec } from '../../src/search/spec.js';
import { puzzle, puzzleJson } from '../support/cli.js';
import { type Questions, startQuestions } from '../support/questions.js';
import { tinyRun, writeTinySearch } from '../support/tiny-search.js';

/** As the tiny search has them. */
const LIMITS = { throughput: '>= 1.7x', memory: '<= 97%' };

function solved(answer: SolveAnswer): SolutionView {
  assert.ok(answer.kind === 'solved', JSON.stringify(answer));
  return answer.solution;
}

const choices = ({ map }: SolutionView) =>
  map.layers.map(({ attention, ffn }) => ({ attention: attention.name, ffn: ffn.name }));

/** An error of the other side that says where. */
const at = (where: string) => (error: unknown) =>
  error instanceof ResponseError && (error.data as { where: string | null }).where === where;

describe('the worker that answers questions', () => {
  let base = '';
  let run = '';
  let worker: Questions;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'puzzle-test-'));
    const search = await puzzle('search', await writeTinySearch(base));
    assert.equal(search.status, 0, search.stderr);
    run = tinyRun(base);
    worker = startQuestions();
    assert.deepEqual(await worker.endpoint.ask(hello, HELLO), { pid: worker.process.pid });
  });
  after(async () => {
    await worker.end();
    await rm(base, { recursive: true, force: true });
    assert.equal(worker.said(), '', 'nothing went wrong that it did not tell the asker');
  });

  const solve = (limits: Record<string, string>, rules: LayerRule[] = []) =>
    worker.endpoint.ask(solveQuestion, { run, limits, rules });
  const generate = (prompt: string, tokens: number, id = prompt) =>
    worker.endpoint.ask(generateQuestion, { id, model: join(base, 'parent'), prompt, tokens });

  it('loads the runtime of models only when text is asked for', { skip: skipWithoutMaps() }, async () => {
    const loaded = async () =>
      (await readFile(`/proc/${worker.process.pid ?? 0}/maps`, 'utf8')).includes('onnxruntime');
    await solve(LIMITS);
    assert.equal(await loaded(), false);
    await generate('A', 1);
    assert.equal(await loaded(), true);
  });

  it('refuses to work with another version, in words', async () => {
    const other = request('hello', z.object({ version: z.int() }), z.unknown());
    await assert.rejects(worker.endpoint.ask(other, { version: 2 }), /different versions .*; reload the window/);
  });

  it('solves as the command line does, with limits in base units and the map of the child', async () => {
    const { answer } = await puzzleJson('solve', run);
    const expected = answer as SolvedArchitecture;
    const view = solved(await solve(LIMITS));
    assert.equal(view.objective, expected.objective);
    assert.deepEqual(
      choices(view),
      expected.architecture.map(({ attention, ffn }) => ({ attention, ffn })),
    );
    assert.deepEqual(view.totals, expected.totals);
    const [throughput] = view.limits;
    assert.equal(throughput?.used, view.totals['throughput']);
    assert.ok(Math.abs(throughput.allowed - 1.7 * (view.parent['throughput'] ?? NaN)) < 1e-6 * throughput.allowed);
    assert.equal(view.map.totals.parameters, view.totals['parameters']);
  });

  it('answers with an optimum under a rule, with the nearest one there is, or with what is not understood', async () => {
    const pinned = solved(await solve(LIMITS, [{ layer: 1, half: 'attention', pin: 'kv4' }]));
    assert.equal(pinned.map.layers[1]?.attention.name, 'kv4');
    const infeasible = await solve({ throughput: '>= 100x' });
    assert.ok(infeasible.kind === 'infeasible');
    const { relaxation } = infeasible;
    assert.deepEqual(Object.keys(relaxation), ['throughput']);
    assert.equal((await solve(relaxation)).kind, 'solved');
    const invalid = await solve({ memory: 'little' });
    assert.ok(invalid.kind === 'invalid');
    assert.deepEqual(
      [invalid.where, invalid.message.startsWith('"little" is not understood')],
      ['limits.memory', true],
    );
    assert.equal((await solve({}, [{ layer: 0, half: 'ffn', pin: 'ffn-33%' }])).kind, 'invalid');
  });

  it('answers with a front of exact points, and with other solutions, the optimum first', async () => {
    const asked = { run, limits: LIMITS, rules: [] };
    const parameters = { metric: 'parameters', points: 5 };
    const points = await worker.endpoint.ask(frontQuestion, { ...asked, axes: [parameters] });
    assert.equal(points.length, 5);
    const axes = [parameters, { metric: 'memory', points: 3 }];
    const grid = await worker.endpoint.ask(frontQuestion, { ...asked, axes });
    assert.ok(grid.length > 6 && grid.length <= 15, `${grid.length} points`);
    for (const { limits, objective, status } of [...points, ...grid]) {
      // Written so that the rounding of decimals does not take the point itself out.
      const [most = NaN, bytes] = limits;
      const texts = { parameters: `<= ${most}`, ...(bytes === undefined ? {} : { memory: `<= ${bytes} B` }) };
      const { objective: alone } = solved(await solve({ ...LIMITS, ...texts }));
      assert.ok(status === 'optimal' && Math.abs(objective - alone) < 1e-9);
    }
    // Its own limit gives way, though nothing meets it.
    const beyond = { ...asked, limits: { ...LIMITS, throughput: '>= 100x' } };
    const rates = await worker.endpoint.ask(frontQuestion, { ...beyond, axes: [{ metric: 'throughput', points: 4 }] });
    assert.ok(rates.length >= 2 && rates.every(({ limits: [limit = 0] }) => limit > 0));
    const others = await worker.endpoint.ask(diverseQuestion, { ...asked, count: 3 });
    assert.ok(others.length > 1);
    assert.deepEqual(others[0]?.map, solved(await solve(LIMITS)).map);
  });

  it('tells everything about the variants of a layer, and what each metric can be', async () => {
    const { attention, ffn } = await worker.endpoint.ask(layerQuestion, { run, layer: 2 });
    assert.deepEqual(
      [...attention, ...ffn].map(({ name }) => name),
      ['kv4', 'kv1', 'no-op', 'ffn-100%', 'ffn-50%', 'linear'],
    );
    const [own, reduced] = attention;
    assert.deepEqual([own?.kind, own?.score, own?.loss, own?.kept], ['full', 0, null, 1]);
    assert.equal(reduced?.kind, 'reduced');
    assert.ok((reduced.score ?? 0) > 0 && (reduced.loss ?? 0) > 0 && !reduced.failed);
    // 8 steps of a quarter of the prefill, by the cost table.
    assert.deepEqual([reduced.prefillSeconds, reduced.decodeSeconds], [2e-3, 8 * 5e-4]);
    const ranges = await worker.endpoint.ask(rangesQuestion, { run });
    const { totals, parent } = solved(await solve(LIMITS));
    for (const { metric, min, max, parent: own } of ranges) {
      const total = totals[metric] ?? NaN;
      assert.ok(total >= min && total <= max, metric);
      assert.equal(own, parent[metric]);
    }
    await assert.rejects(worker.endpoint.ask(layerQuestion, { run, layer: 3 }), at(run));
  });

  it('reads a run again when its files have changed, and not before it is measured', async () => {
    const before = solved(await solve(LIMITS));
    const file = join(run, SCORES_FILE);
    const text = await readFile(file, 'utf8');
    const scores = (JSON.parse(text) as LayerScores[]).map(({ attention, ffn }) => ({
      attention: Object.fromEntries(Object.entries(attention).map(([name, score]) => [name, 2 * (score ?? 0)])),
      ffn: Object.fromEntries(Object.entries(ffn).map(([name, score]) => [name, 2 * (score ?? 0)])),
    }));
    await writeFile(file, JSON.stringify(scores));
    assert.ok(Math.abs(solved(await solve(LIMITS)).objective - 2 * before.objective) < 1e-12);
    await writeFile(file, text);

    const early = join(base, 'early');
    const spec = join(base, 'tiny.puzzle.json');
    await (await createRun(early, { spec: resolveSpec(await readSpec(spec), spec) })).close();
    await assert.rejects(worker.endpoint.ask(solveQuestion, { run: early, limits: {}, rules: [] }), at(early));
    const { ffn } = await worker.endpoint.ask(layerQuestion, { run: early, layer: 0 });
    assert.deepEqual(
      ffn.map(({ score, loss, memory, failed }) => ({ score, loss, memory, failed })),
      ffn.map(() => ({ score: null, loss: null, memory: null, failed: false })),
    );
  });

  it('continues a text as the command line does, telling its pieces, for several at once', async () => {
    const prompts = ['The dog', 'A cat sat in'];
    const answers = await Promise.all(prompts.map((prompt) => generate(prompt, 12)));
    for (const [i, prompt] of prompts.entries()) {
      const { answer } = await puzzleJson('generate', join(base, 'parent'), '--prompt', prompt, '--tokens', '12');
      const expected = answer as { text: string; tokens: number };
      assert.equal(prompt + (answers[i]?.text ?? ''), expected.text);
      assert.equal(answers[i]?.tokens, expected.tokens);
      assert.equal(worker.pieces.get(prompt)?.join(''), answers[i].text);
    }
    const missing = { id: 'x', model: join(base, 'nothing'), prompt: 'A', tokens: 1 };
    await assert.rejects(worker.endpoint.ask(generateQuestion, missing), at(join(base, 'nothing', 'config.json')));
  });

  it('stops generating between two tokens when the question is withdrawn', async () => {
    const source = new CancellationTokenSource();
    const asked = { id: 'long', model: join(base, 'parent'), prompt: 'Once', tokens: 60 };
    const answer = worker.endpoint.ask(generateQuestion, asked, source.token);
    while (!worker.pieces.has('long')) await new Promise((resolve) => setImmediate(resolve));
    source.cancel();
    await assert.rejects(answer, /cancelled/);
    const told = worker.pieces.get('long')?.length ?? 0;
    assert.ok(told < 60, `${told} of 60 tokens were told`);
    await solve(LIMITS);
    assert.equal(worker.pieces.get('long')?.length, told, 'it went on after it was withdrawn');
  });

  it('looks at everything that a search needs before it starts', async () => {
    const looked = await worker.endpoint.ask(preflightQuestion, { spec: join(base, 'tiny.puzzle.json') });
    assert.deepEqual(
      looked.items.filter(({ status }) => status === 'failed'),
      [],
    );
    assert.ok(looked.items.some(({ name }) => name === 'disk') && looked.stages.length > 0);
    const none = await worker.endpoint.ask(preflightQuestion, { spec: join(base, 'none.puzzle.json') });
    assert.deepEqual([none.items[0]?.status, none.stages], ['failed', []]);
  });

  it('copies the child, and only to where nothing is', async () => {
    const out = join(base, 'out', 'child');
    assert.deepEqual(await worker.endpoint.ask(exportQuestion, { run, out }), { dir: out });
    assert.deepEqual((await readdir(out)).sort(), (await readdir(join(run, 'child'))).sort());
    await assert.rejects(worker.endpoint.ask(exportQuestion, { run, out }), at(out));
  });
});

function skipWithoutMaps(): string | false {
  return existsSync('/proc/self/maps') ? false : 'what a process has loaded is read in /proc, which is absent';
}
