import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../../src/common/errors.js';
import { readPuzzletronDirectory } from '../../src/formats/puzzletron.js';
import { puzzletronLibrary } from '../../src/search/puzzletron-library.js';
import { puzzle, puzzleJson } from '../support/cli.js';
import {
  attention,
  block,
  type PuzzletronFiles,
  puzzletronFiles,
  writePuzzletron,
} from '../support/puzzletron-directory.js';
import { temporaryDirectory } from '../support/run-process.js';

const LAYERS = 4;

async function directory(t: TestContext, change: (files: PuzzletronFiles) => void = () => undefined): Promise<string> {
  const dir = await temporaryDirectory(t);
  const files = puzzletronFiles(LAYERS);
  change(files);
  await writePuzzletron(dir, files);
  return dir;
}

const read = async (dir: string) => puzzletronLibrary(await readPuzzletronDirectory(dir), {});

interface Chosen {
  chosen_replacements: {
    block_config: unknown;
    parent_layer_indices: number[];
    layer_replacement: unknown;
    is_teacher: boolean;
    stats: Record<string, number>;
    metrics: Record<string, number>;
  }[];
  chosen_block_configs: unknown[];
  total_value: Record<string, number>;
  total_costs: Record<string, number>;
  solution_repr: string;
}

describe('a Puzzletron working directory', () => {
  it('is a library: the teacher first, the metric less its own, costs of both halves', async (t) => {
    const { layers, nonBlock, metric, layerReport } = await read(await directory(t));
    assert.equal(metric, 'kl_div');
    assert.equal(layers.length, LAYERS);
    for (const { choices } of layers) {
      assert.equal(choices.length, 6);
      assert.deepEqual([choices[0]?.name, choices[0]?.score], ['kv8 + ffn14336', 0]);
    }
    const [teacher] = layers[0]?.choices ?? [];
    const parameters = 2 * 4096 ** 2 + 2 * 4096 * 1024 + 3 * 4096 * 14_336 + 2 * 4096;
    assert.equal(teacher?.costs['num_params'], parameters);
    assert.ok(Math.abs((teacher.costs['memory_mib'] ?? 0) - ((2 * parameters) / 2 ** 20 + 3072)) < 1e-6);
    assert.equal(teacher.costs['kv_cache_memory_mib'], 3072);
    assert.equal(teacher.costs['has_attention'], 1);
    assert.equal(teacher.costs['num_kv_heads'], 8);
    assert.ok(!('runtime_ms' in teacher.costs), 'what was not measured is no cost');
    assert.equal(nonBlock['memory_mib'], 2004);
    const names = layers[0]?.choices.map(({ name }) => name) ?? [];
    const half = layerReport(0, names.indexOf('no-op + ffn8704'));
    assert.deepEqual([half.attention, half.ffn.name], [{ name: 'no-op', kept: 0 }, 'ffn8704']);
    assert.ok(Math.abs(half.ffn.kept - 8704 / 14_336) < 1e-3);
  });

  it('is scored by another metric when one is asked for, less what the teacher has of it', async (t) => {
    const found = await readPuzzletronDirectory(await directory(t));
    const [kl, loss] = ['kl_div', 'lm_loss'].map((metric) => puzzletronLibrary(found, { metric }));
    const [a, b] = [kl, loss].map((library) => library?.layers[1]?.choices[3]?.score ?? NaN);
    assert.ok(Math.abs((a ?? 0) - (b ?? 0)) < 1e-9);
    assert.throws(
      () => puzzletronLibrary(found, { metric: 'rouge' }),
      /no metric "rouge"; its metrics are cosine.*kl_div/,
    );
  });

  it('is solved as by trying everything, and its solution is written as the realise step reads it', async (t) => {
    const dir = await directory(t);
    const out = join(dir, 'solutions.json');
    const limit = 14_000;
    const flags = ['--constraint', `memory_mib<=${limit}`, 'has_attention>=2', '--out', out];
    const { answer, status, stderr } = await puzzleJson('solve', dir, ...flags);
    assert.equal(status, 0, stderr);
    const { layers, nonBlock, replacements } = await read(dir);

    let best = Infinity;
    const counts = layers.map(({ choices }) => choices.length);
    for (let all = 0; all < counts.reduce((a, b) => a * b, 1); all++) {
      let rest = all;
      let [score, memory, attentions] = [0, nonBlock['memory_mib'] ?? 0, 0];
      for (const { choices } of layers) {
        const choice = choices[rest % choices.length];
        rest = Math.floor(rest / choices.length);
        score += choice?.score ?? NaN;
        memory += choice?.costs['memory_mib'] ?? NaN;
        attentions += choice?.costs['has_attention'] ?? NaN;
      }
      if (memory <= limit && attentions >= 2) best = Math.min(best, score);
    }
    const solved = answer as { objective: number; choices: string[]; status: string };
    assert.equal(solved.status, 'optimal');
    assert.ok(Math.abs(solved.objective - best) < 1e-12 && best > 0);

    const [solution, ...more] = JSON.parse(await readFile(out, 'utf8')) as Chosen[];
    assert.ok(solution && more.length === 0);
    // Back from the file: every block is one of the library, and what they come to is what the solver said.
    const entries = JSON.parse(await readFile(join(dir, 'replacement_library.json'), 'utf8')) as unknown[];
    const back = solution.chosen_block_configs.map((config, layer) => {
      const index = (replacements[layer] ?? []).findIndex(({ block: { json } }) => isDeepStrictEqual(json, config));
      return layers[layer]?.choices[index];
    });
    assert.deepEqual(
      back.map((choice) => choice?.name),
      solved.choices,
    );
    const memory = back.reduce((sum, choice) => sum + (choice?.costs['memory_mib'] ?? NaN), 2004);
    assert.ok(Math.abs((solution.total_costs['stats.memory_mib'] ?? 0) - memory) < 1e-6 && memory <= limit);
    assert.ok(Math.abs((solution.total_value['metrics.kl_div'] ?? 0) - best) < 1e-12);
    for (const [layer, chosen] of solution.chosen_replacements.entries()) {
      assert.deepEqual(chosen.parent_layer_indices, [layer]);
      assert.deepEqual(chosen.block_config, solution.chosen_block_configs[layer]);
      assert.ok(entries.some((entry) => isDeepStrictEqual(entry, chosen.layer_replacement)));
      assert.equal(chosen.is_teacher, isDeepStrictEqual(chosen.block_config, block(8, 14_336)));
      if (!chosen.is_teacher) assert.equal(chosen.metrics['one_minus_kl_div'], 1 - (chosen.metrics['kl_div'] ?? NaN));
    }
    assert.match(
      solution.solution_repr,
      /^block_0: {2}attention {2}(kv_heads_8|no_op) {2}ffn {2}(intermediate_\d+|no_op)\n/,
    );

    const again = await puzzleJson('solve', dir, ...flags);
    assert.equal(again.status, 2, 'a file that is there is not written over');
    const shown = await puzzle('solve', dir, '--constraint', `memory_mib<=${limit}`);
    assert.match(shown.stdout, /layer +attention +FFN +score/);
    assert.match(shown.stdout, /Score: kl_div, less the teacher's\./);
  });

  it('has solutions that differ written together, and says when there is none', async (t) => {
    const dir = await directory(t);
    const out = join(dir, 'three.json');
    const flags = ['--constraint', 'memory_mib<=80%', '--diverse', '3', '--overlap', '0.75', '--out', out];
    assert.equal((await puzzleJson('solve', dir, ...flags)).status, 0);
    const solutions = JSON.parse(await readFile(out, 'utf8')) as Chosen[];
    assert.equal(new Set(solutions.map(({ solution_repr: repr }) => repr)).size, 3);
    const none = await puzzleJson('solve', dir, '--constraint', 'memory_mib<=10');
    assert.equal(none.status, 1);
    assert.match(JSON.stringify(none.answer), /alone, 2004 can be reached/);
  });

  it('with several tables of costs has one picked by its args', async (t) => {
    const dir = await directory(t, ({ stats: [first], stats }) => {
      if (first) stats.push({ ...first, args: { ...(first['args'] as object), batch_size: 1 } });
    });
    const found = await readPuzzletronDirectory(dir);
    assert.throws(() => puzzletronLibrary(found, {}), /pick one with --stats: batch_size=96 \| batch_size=1$/);
    assert.equal(puzzletronLibrary(found, { stats: ['batch_size=1'] }).table.args['batch_size'], 1);
    assert.throws(() => puzzletronLibrary(found, { stats: ['batch'] }), /not understood/);
  });

  describe('that is malformed is refused with file, key and reason', () => {
    const validation = ({ validation: files }: PuzzletronFiles, name = 'solution_0.json') => files[name] ?? {};
    const entry = ({ library }: PuzzletronFiles, index = 1) => library[index] ?? {};
    const config = (files: PuzzletronFiles) =>
      (entry(files)['child_block_configs'] as Record<string, unknown>[])[0] ?? {};
    const subblock = ({ stats }: PuzzletronFiles) => (stats[0]?.['subblocks'] as Record<string, unknown>[])[0] ?? {};
    const cases: [string, (files: PuzzletronFiles) => void, RegExp][] = [
      ['no list', (files) => (files.library = {} as never), /replacement_library\.json: is \{\}; a list is expected/],
      ['an empty list', (files) => (files.library = []), /replacement_library\.json: has 0 entries/],
      [
        'several layers at once',
        (files) => (entry(files)['parent_layer_indices'] = [0, 1]),
        /replacement_library\.json: \[1\]\.parent_layer_indices is \[0,1\]; a list of one/,
      ],
      [
        'a layer that is none',
        (files) => (entry(files)['parent_layer_indices'] = [-1]),
        /\[1\]\.parent_layer_indices is \[-1\]; a layer from 0/,
      ],
      [
        'heads where there is nothing',
        (files) => (config(files)['attention'] = { ...attention(null), num_key_value_heads: 8 }),
        /\[1\]\.child_block_configs\[0\]\.attention\.num_key_value_heads is 8; it must be null, for no_op is true/,
      ],
      [
        'no heads where there should be',
        (files) => (config(files)['attention'] = { ...attention(8), num_key_value_heads: null }),
        /\[1\]\.child_block_configs\[0\]\.attention\.num_key_value_heads is null; a whole number/,
      ],
      [
        'nothing and linear at once',
        (files) => (config(files)['attention'] = { ...attention(null), replace_with_linear: true }),
        /attention\.replace_with_linear is true; no_op is true as well/,
      ],
      [
        'parallel blocks',
        (files) => (config(files)['parallel_blocks'] = [block(8, 14_336)]),
        /child_block_configs\[0\]\.parallel_blocks is .*; only blocks without parallel ones are read/,
      ],
      [
        'a block that was not scored',
        ({ validation: files }) => delete files['solution_3.json'],
        /layer 0 has 2 blocks without a file in single_sequence.*; exactly one, the teacher's own/,
      ],
      [
        'a score of a block that is not there',
        ({ library }) => library.splice(1, 1),
        /solution_\d+\.json: puzzle_solution: layer 0 has no such block in replacement_library\.json/,
      ],
      ['a block twice', ({ library }) => library.push(library[0] ?? {}), /layer 0 has the same block twice/],
      [
        'a metric that is no number',
        (files) => (validation(files)['kl_div'] = { avg: 'low' }),
        /solution_0\.json: kl_div\.avg is "low"; a finite number/,
      ],
      [
        'no solution',
        (files) => delete validation(files)['puzzle_solution'],
        /solution_0\.json: puzzle_solution must be an object, not absent/,
      ],
      [
        'a cost that is no number',
        (files) => (subblock(files)['memory_mib'] = 'much'),
        /subblock_stats\.json: \[0\]\.subblocks\[0\]\.memory_mib is "much"; a number or null/,
      ],
      [
        'a class that is none',
        (files) => (subblock(files)['subblock_config_class'] = 'NormConfig'),
        /\[0\]\.subblocks\[0\]\.subblock_config_class is "NormConfig"; supported: AttentionConfig, FFNConfig/,
      ],
      [
        'no costs of a half that can be chosen',
        (files) => (subblock(files)['subblock_config'] = attention(4)),
        /subblock_stats\.json: subblocks: has no attention kv8, which layer 0 can have/,
      ],
    ];
    for (const [what, change, message] of cases) {
      it(what, async (t) => {
        const dir = await directory(t, change);
        await assert.rejects(read(dir), (error) => {
          assert.ok(error instanceof InputError);
          assert.match(error.message, message);
          return true;
        });
      });
    }
  });
});
