import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import type { RunEvent } from '../../src/run/events.js';
import { createRun, openRun, type Run } from '../../src/run/run.js';
import { createContext, type SearchContext } from '../../src/search/context.js';
import { packData } from '../../src/search/data.js';
import { evaluateStage } from '../../src/search/evaluate/stage.js';
import { parseSpec } from '../../src/search/spec.js';
import { EXAMPLE_VOCABULARY, temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { randomWeights, tinyConfig } from '../support/tiny-model.js';

const PARENT = tinyConfig({ vocabSize: EXAMPLE_VOCABULARY });
const CHILD: ModelConfig = {
  ...PARENT,
  layers: PARENT.layers.map(({ ffn }, i) => ({
    attention: i === 0 ? { kind: 'no-op' } : { kind: 'gqa', kvHeads: 1 },
    ffn,
  })),
};

const ITEMS = [
  { context: 'Tim had a', choices: [' cat', ' dog', ' bird'], answer: 0 },
  { context: 'They went to the', choices: [' shop', ' sun'], answer: 0 },
  { context: 'One day', choices: [', Lily', '.'], answer: 1 },
];

/** A parent, two children, text and tasks in a fresh folder. */
async function setUp(test: Parameters<typeof temporaryFolder>[0], tasks = true) {
  const dir = await temporaryFolder(test);
  const folder = async (name: string, config: ModelConfig, seed: number) => {
    await mkdir(join(dir, name));
    await writeModelFolder(join(dir, name), config, randomWeights(config, seed));
    return join(dir, name);
  };
  const text = Array.from({ length: 200 }, (_, i) => `One day, Tim had ${i} cats and Lily went to the market.`).join(
    '\n\n',
  );
  await writeFile(join(dir, 'text.txt'), text);
  await mkdir(join(dir, 'tasks'));
  const lines = ITEMS.map((item) => JSON.stringify(item)).join('\n');
  for (const name of ['second', 'first']) await writeFile(join(dir, 'tasks', `${name}.jsonl`), lines);
  const json = {
    parent: await folder('parent', PARENT, 1),
    data: { text: join(dir, 'text.txt'), sequenceLength: 16 },
    tasks: tasks ? [join(dir, 'tasks')] : [],
    target: { engine: 'onnxruntime', threads: 1, workload: { batch: 2, prefill: 8, generated: 4 } },
    distil: { tokens: 64 },
    score: { tokens: 64 },
    uptrain: { tokens: 64 },
    evaluate: { tokens: 96, pairs: 3 },
    threads: 1,
  };
  const spec = parseSpec(JSON.stringify(json), 'test');
  const contextOf = (run: Run): Promise<SearchContext> => {
    return createContext(run, spec, () => Promise.reject(new Error('no task of this stage runs elsewhere')));
  };
  const runDir = join(dir, 'run');
  const children = [await folder('child', CHILD, 2), await folder('other', CHILD, 3)] as const;
  return { runDir, children, run: await createRun(runDir, {}), contextOf };
}

async function tasksStarted(runDir: string): Promise<string[]> {
  const lines = (await readFile(join(runDir, 'events.jsonl'), 'utf8')).trim().split('\n');
  return lines
    .map((line) => JSON.parse(line) as RunEvent)
    .flatMap((event) => (event.type === 'task-started' && event.stage === 'evaluate' ? [event.kind] : []));
}

describe('the evaluation of a child', () => {
  it('puts parent and child side by side on text, tasks, speed and memory', async (test) => {
    const { run, children, contextOf } = await setUp(test);
    const context = await contextOf(run);
    const result = await evaluateStage(context, children[0], await packData(context));
    await run.close();
    assert.equal(result.text.tokens, 6 * 15);
    assert.ok(result.text.kl > 0 && result.text.parentPerplexity > 1 && result.text.childPerplexity > 1);
    assert.deepEqual(
      result.tasks.map(({ name, items, chance }) => ({ name, items, chance })),
      ['first', 'second'].map((name) => ({ name, items: 3, chance: (1 / 3 + 1 / 2 + 1 / 2) / 3 })),
    );
    assert.equal(result.accuracy?.sum.parent, result.tasks[0]?.parent.sum);
    assert.equal(result.speedup.n, 3);
    // The child lacks a whole attention (norm, four projections) and one KV head of the other, weights and cache.
    const [hidden, heads, headDim, kvHeads] = [24, 4, 8, 2];
    const attention = hidden + (2 * heads + 2 * kvHeads) * headDim * hidden;
    const kvHead = 2 * headDim * hidden;
    const cache = 2 * 12 * (kvHeads + 1) * 2 * headDim;
    assert.equal(result.memory.parentBytes - result.memory.childBytes, 4 * (attention + kvHead + cache));
    assert.ok((result.memory.childLargestBatch.batch ?? 0) > 2);
    assert.ok(result.memory.childLargestBatch.bytes <= result.memory.parentBytes);
    assert.deepEqual(JSON.parse(JSON.stringify(result)), result);
  });

  it('is not done again, in the same process or a later one, and the parent answers once for all children', async (test) => {
    const { run, runDir, children, contextOf } = await setUp(test);
    const context = await contextOf(run);
    const data = await packData(context);
    const first = await evaluateStage(context, children[0], data);
    assert.deepEqual(await evaluateStage(context, children[0], data), first);
    const once = ['evaluate', 'compare-text', 'task-scores', 'task-scores', 'speedup'];
    assert.deepEqual(await tasksStarted(runDir), once);
    await run.close();

    const resumed = await openRun(runDir);
    const again = await contextOf(resumed);
    assert.deepEqual(await evaluateStage(again, children[0], await packData(again)), first);
    assert.deepEqual(await tasksStarted(runDir), once);
    const other = await evaluateStage(again, children[1], data);
    await resumed.close();
    assert.deepEqual(await tasksStarted(runDir), [...once, 'evaluate', 'compare-text', 'task-scores', 'speedup']);
    assert.notEqual(other.text.kl, first.text.kl);
    assert.equal(other.text.parentPerplexity, first.text.parentPerplexity);
  });

  it('goes without accuracy where there are no tasks', async (test) => {
    const { run, children, contextOf } = await setUp(test, false);
    const context = await contextOf(run);
    const result = await evaluateStage(context, children[0], await packData(context));
    await run.close();
    assert.deepEqual({ tasks: result.tasks, accuracy: result.accuracy }, { tasks: [], accuracy: null });
  });
});
