import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CancellationTokenSource } from 'vscode-jsonrpc/node.js';
import {
  diverseQuestion,
  exportSolutionsQuestion,
  frontQuestion,
  HELLO,
  hello,
  importedQuestion,
  layerQuestion,
  rangesQuestion,
  solveQuestion,
} from '../../src/protocol/questions.js';
import type { LayerRule, SolutionView, SolveAnswer } from '../../src/protocol/solution.js';
import { layersThatDiffer } from '../../webview/explore/differ.js';
import { puzzleJson } from '../support/cli.js';
import { puzzletronFiles, writePuzzletron } from '../support/puzzletron-directory.js';
import { type Questions, startQuestions } from '../support/questions.js';

const LAYERS = 4;
const KL = { metric: 'kl_div', table: 0 };

function solved(answer: SolveAnswer): SolutionView {
  assert.ok(answer.kind === 'solved', JSON.stringify(answer));
  return answer.solution;
}

const architecture = ({ map }: SolutionView) =>
  map.layers.map(({ attention, ffn }) => ({ attention: attention.name, ffn: ffn.name }));

describe('questions about a Puzzletron working directory', () => {
  let base = '';
  let run = '';
  let worker: Questions;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'puzzle-test-'));
    run = join(base, 'work');
    await writePuzzletron(run, puzzletronFiles(LAYERS));
    worker = startQuestions();
    await worker.endpoint.ask(hello, HELLO);
  });
  after(async () => {
    await worker.end();
    await rm(base, { recursive: true, force: true });
    assert.equal(worker.said(), '', 'nothing went wrong that it did not tell the asker');
  });
  const solve = (limits: Record<string, string>, rules: LayerRule[] = [], imported = KL) =>
    worker.endpoint.ask(solveQuestion, { run, imported, limits, rules });

  it('tell what there is to choose from, the usual metric first, and the map of the teacher', async () => {
    const { metrics, tables, parent, blocks } = await worker.endpoint.ask(importedQuestion, { dir: run });
    assert.deepEqual(metrics, ['kl_div', 'cosine_embedding_loss_hidden_states', 'lm_loss']);
    assert.deepEqual([tables, blocks], [[''], 6 * LAYERS]);
    assert.equal(parent.layers.length, LAYERS);
    const [layer] = parent.layers;
    assert.deepEqual(
      [layer?.attention.name, layer?.attention.kind, layer?.attention.detail, layer?.ffn.detail, layer?.score],
      ['kv8', 'full', '8 KV heads', '14,336 channels', 0],
    );
    assert.equal(parent.totals.parameters, (parent.totals.nonBlock ?? 0) + LAYERS * sizeOf(layer));
  });

  it('have the answer of the command line, with the map of it and what limits cost', async () => {
    const limits = { memory_mib: '<= 60%', num_kv_heads: '>= 16' };
    const view = solved(await solve(limits));
    const flags = ['memory_mib<=60%', 'num_kv_heads>=16'].flatMap((flag) => ['--constraint', flag]);
    const { answer } = await puzzleJson('solve', run, ...flags);
    const cli = answer as { objective: number; choices: string[]; costs: Record<string, number> };
    assert.equal(view.objective, cli.objective);
    assert.deepEqual(view.totals, cli.costs);
    assert.deepEqual(
      architecture(view).map(({ attention, ffn }) => `${attention} + ${ffn}`),
      cli.choices,
    );
    assert.deepEqual([view.scoreUnit, view.batch], ['nats/token', 96]);
    const [memory] = view.limits;
    assert.ok(memory !== undefined);
    assert.equal(memory.text, '<= 60%');
    assert.ok(Math.abs(memory.allowed - 0.6 * (view.parent['memory_mib'] ?? NaN)) < 1e-6);
    assert.equal(memory.used, view.totals['memory_mib']);
    assert.ok(memory.slack >= 0 && memory.used <= memory.allowed);
    const scores = view.map.layers.reduce((sum, { score }) => sum + (score ?? NaN), 0);
    assert.ok(Math.abs(scores - view.objective) < 1e-9);
  });

  it('keep to pins and bans of halves, and refuse those that leave a layer nothing', async () => {
    const limits = { memory_mib: '<= 60%' };
    const pinned = solved(
      await solve(limits, [
        { layer: 1, half: 'attention', pin: 'no-op' },
        { layer: 1, half: 'ffn', ban: ['no-op', 'ffn8704'] },
      ]),
    );
    assert.deepEqual(architecture(pinned)[1], { attention: 'no-op', ffn: 'ffn14336' });
    const unknown = await solve(limits, [{ layer: 1, half: 'ffn', pin: 'ffn1' }]);
    assert.ok(unknown.kind === 'invalid' && unknown.message.includes('possible: ffn14336, ffn8704, no-op'));
    const none = await solve(limits, [{ layer: 0, half: 'ffn', ban: ['no-op', 'ffn8704', 'ffn14336'] }]);
    assert.equal(none.kind, 'invalid');
  });

  it('say why there is no architecture, with the least relaxation, which then fits', async () => {
    const answer = await solve({ memory_mib: '<= 1000' });
    assert.ok(answer.kind === 'infeasible');
    assert.match(answer.message, /^no architecture meets memory_mib<=1000 \(alone, 2004 can be reached\)/);
    solved(await solve(answer.relaxation));
    const invalid = await solve({ memory: '<= 60%' });
    assert.ok(invalid.kind === 'invalid' && invalid.message.includes('its costs are'));
  });

  it('tell the variants of a layer with what is known of them, and what each cost can be', async () => {
    const detail = await worker.endpoint.ask(layerQuestion, { run, imported: KL, layer: 2 });
    assert.deepEqual(
      [detail.attention, detail.ffn].map((half) => half.map(({ name, kind }) => [name, kind])),
      [
        [
          ['kv8', 'full'],
          ['no-op', 'no-op'],
        ],
        [
          ['ffn14336', 'full'],
          ['ffn8704', 'reduced'],
          ['no-op', 'no-op'],
        ],
      ],
    );
    const [own, reduced] = detail.ffn;
    assert.deepEqual([own?.score, reduced?.loss, reduced?.failed], [0, null, false]);
    assert.ok((reduced?.score ?? 0) > 0);
    assert.equal(reduced?.memory, 2 * (3 * 4096 * 8704 + 4096));
    const ranges = await worker.endpoint.ask(rangesQuestion, { run, imported: KL });
    const memory = ranges.find(({ metric }) => metric === 'memory_mib');
    assert.deepEqual([memory?.min, memory?.max === memory?.parent], [2004, true]);
    const refused = worker.endpoint.ask(layerQuestion, { run, imported: KL, layer: LAYERS });
    await assert.rejects(refused, /there is no layer 4/);
  });

  it('have a front whose every point is the optimum under its limit, and give way to newer questions', async () => {
    const asked = { run, imported: KL, limits: { memory_mib: '<= 60%' }, rules: [] };
    const memory = (points: number) => ({ metric: 'memory_mib', points });
    const points = await worker.endpoint.ask(frontQuestion, { ...asked, axes: [memory(8)] });
    assert.equal(points.length, 8);
    assert.deepEqual([points[0]?.limits, points.at(-1)?.objective], [[2004], 0]);
    const axes = [memory(6), { metric: 'num_kv_heads', points: 3 }];
    const grid = await worker.endpoint.ask(frontQuestion, { ...asked, axes });
    assert.ok(grid.length > 12 && grid.length <= 18, `${grid.length} points`);
    for (const { limits, objective } of [...points, ...grid]) {
      const [mib = NaN, heads] = limits;
      const texts = { memory_mib: `<= ${mib}`, ...(heads === undefined ? {} : { num_kv_heads: `<= ${heads}` }) };
      const { objective: alone } = solved(await solve(texts));
      assert.ok(Math.abs(objective - alone) < 1e-9);
    }
    const withdrawn = new CancellationTokenSource();
    const front = worker.endpoint.ask(frontQuestion, { ...asked, axes: [memory(100)] }, withdrawn.token);
    const other = solve({ memory_mib: '<= 50%' });
    withdrawn.cancel();
    await assert.rejects(front, /cancelled/i);
    solved(await other);
  });

  it('have other solutions, the optimum first, none of which is much like another', async () => {
    const asked = { run, imported: KL, limits: { memory_mib: '<= 60%' }, rules: [] };
    const others = await worker.endpoint.ask(diverseQuestion, { ...asked, count: 4 });
    assert.equal(others.length, 4);
    const optimum = solved(await solve(asked.limits));
    assert.equal(others[0]?.objective, optimum.objective);
    assert.deepEqual(others[0].map, optimum.map);
    for (const [i, one] of others.entries()) {
      assert.ok((one.totals['memory_mib'] ?? NaN) <= 0.6 * (optimum.parent['memory_mib'] ?? NaN));
      assert.ok(one.objective >= optimum.objective);
      for (const other of others.slice(0, i)) assert.ok(layersThatDiffer(one.map, other.map) >= 1);
    }
  });

  it('write the solution as the command line does', async () => {
    const view = solved(await solve({ memory_mib: '<= 40000' }));
    const [ours, theirs] = [join(base, 'ours.json'), join(base, 'theirs.json')];
    const { file } = await worker.endpoint.ask(exportSolutionsQuestion, {
      ...{ run, imported: KL, limits: { memory_mib: '<= 40000' } },
      ...{ architectures: [architecture(view)], out: ours },
    });
    assert.equal(file, ours);
    await puzzleJson('solve', run, '--constraint', 'memory_mib<=40000', '--out', theirs);
    const [own, other] = await Promise.all([ours, theirs].map((path) => readFile(path, 'utf8')));
    assert.equal(own, other);
  });

  it('refuse to write a solution that is beyond the limits, on either side', async () => {
    const view = solved(await solve({ memory_mib: '<= 60%' }));
    const out = join(base, 'beyond.json');
    const { memory_mib: memory = NaN, num_kv_heads: heads = NaN } = view.totals;
    const write = (limits: Record<string, string>) =>
      worker.endpoint.ask(exportSolutionsQuestion, {
        ...{ run, imported: KL, limits },
        ...{ architectures: [architecture(view)], out },
      });
    await assert.rejects(
      write({ memory_mib: '<= 50%' }),
      /limits: the solution does not meet memory_mib <= .*: it has/,
    );
    await assert.rejects(write({ num_kv_heads: `>= ${heads + 1}` }), /does not meet num_kv_heads >= /);
    await assert.rejects(readFile(out), { code: 'ENOENT' });
    await write({ memory_mib: `<= ${memory}`, num_kv_heads: `== ${heads}` });
    assert.ok((await readFile(out, 'utf8')).length > 0);
  });

  it('read the files again when they are others, and refuse what is malformed with file, key and reason', async () => {
    const stats = join(run, 'subblock_stats.json');
    const text = await readFile(stats, 'utf8');
    await writeFile(stats, text.replaceAll('"memory_mib"', '"memory_gib"'));
    const invalid = await solve({ memory_mib: '<= 60%' });
    assert.ok(invalid.kind === 'invalid' && invalid.message.includes('memory_gib'));
    await writeFile(stats, text.replace('"num_params": ', '"num_params": "many", "x": '));
    await utimes(stats, new Date(), new Date(Date.now() + 5000));
    const malformed = worker.endpoint.ask(importedQuestion, { dir: run });
    await assert.rejects(
      malformed,
      /subblock_stats\.json: \[0\]\.non_block\.num_params is "many"; a number or null is expected/,
    );
    await writeFile(stats, text);
    const elsewhere = worker.endpoint.ask(importedQuestion, { dir: base });
    await assert.rejects(elsewhere, /has no replacement_library\.json, so it is no Puzzletron working directory/);
  });
});

function sizeOf(layer: SolutionView['map']['layers'][number] | undefined): number {
  return (layer?.attention.parameters ?? NaN) + (layer?.ffn.parameters ?? NaN);
}
