import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ComparedModel } from '../../src/protocol/panel.js';
import { RUN_STATES, type RunView, type StageView } from '../../src/protocol/run.js';
import { STAGES } from '../../src/run/events.js';
import { headlineFigures } from '../../webview/comparison/headline.js';
import { comparisonLines, comparisonTsv, uniformQuestions } from '../../webview/comparison/lines.js';
import { runText, stageShare, stageText, vitalsText } from '../../webview/progress/progress-text.js';
import { STAGE_TEXTS } from '../../webview/progress/stage-texts.js';
import { parseTokens } from '../../webview/try/tokens.js';

const stage = (changed: Partial<StageView>): StageView => ({
  ...{ stage: 'distil', state: 'running', done: 37, total: 110, seconds: 24.3, etaSeconds: 130, tokens: 1_966_080 },
  ...changed,
});
const run = (changed: Partial<RunView>): RunView => ({
  ...{ dir: '/r', name: 'r', state: 'running', stage: 'distil', stages: [], progress: 0.082, etaSeconds: 402 },
  ...{
    seconds: 31,
    apartSeconds: 0,
    error: null,
    warnings: [],
    tasks: { finished: 0, failed: 0, retried: 0 },
    lastEvent: 0,
    vitals: null,
  },
  ...changed,
});

describe('progress in words', () => {
  it('says of a stage all that its bar shows, and what is left', () => {
    assert.equal(stageText(stage({})), '37 of 110 · 24.3 s · about 2 min left · 1,966,080 tokens');
    assert.equal(stageText(stage({ done: 0.5, total: 1, etaSeconds: null, tokens: 0 })), '50.0% · 24.3 s');
    assert.equal(stageText(stage({ state: 'done', tokens: 0 })), '24.3 s');
  });

  it('never shows more than the whole', () => {
    assert.deepEqual(
      [stage({ done: 120 }), stage({ total: 0, done: 0 }), stage({ state: 'done', done: 0, total: 0 })].map(stageShare),
      [1, 0, 1],
    );
  });

  it('says what is seen of the process', () => {
    assert.equal(
      vitalsText({ pid: 4211, memoryBytes: 1.1 * 2 ** 30, silentSeconds: 3 }),
      'Process 4211 · 1.10 GiB of memory · last sign of life 3 s ago',
    );
    assert.equal(
      vitalsText({ pid: null, memoryBytes: null, silentSeconds: 0 }),
      'A process on another machine · last sign of life just now',
    );
  });

  it('says of a run how it stands, whatever its state', () => {
    assert.equal(runText(run({})), 'Running: distil, 8.2% of the run, about 7 min left');
    assert.equal(runText(run({ etaSeconds: null })), 'Running: distil, 8.2% of the run');
    assert.equal(runText(run({ stage: null, progress: 0 })), 'Starting');
    const stages = [stage({ state: 'done' })];
    assert.equal(runText(run({ stages, apartSeconds: 9 })), 'Running: baselines, after the search’s 31.0 s');
    assert.equal(runText(run({ state: 'done', seconds: 465, apartSeconds: 0.2 })), 'Finished in 7:45 min');
    assert.equal(
      runText(run({ state: 'done', seconds: 465, apartSeconds: 540 })),
      'Finished in 7:45 min, and 9:00 min for baselines',
    );
    assert.equal(runText(run({ state: 'paused' })), 'Paused in distil at 8.2%');
    assert.equal(runText(run({ state: 'done', seconds: 437 })), 'Finished in 7:17 min');
    for (const state of RUN_STATES) assert.notEqual(runText(run({ state })), '');
  });

  it('knows what every stage is for', () => {
    assert.deepEqual([...STAGE_TEXTS.keys()], [...STAGES]);
  });
});

const parent: ComparedModel = {
  ...{ name: 'parent', dir: '/p', parameters: 4000, memoryBytes: 2048, predictedThroughput: 100 },
  ...{ measuredThroughput: 90, speedup: null, perplexity: 2, kl: 0, accuracy: 0.9, accuracyStandardError: null },
  tasks: [
    { name: 'sums', items: 500, chance: 0.25, accuracy: 0.8 },
    { name: 'words', items: 500, chance: 0.25, accuracy: 1 },
  ],
};
const child: ComparedModel = {
  ...{ ...parent, name: 'child', parameters: 1000, memoryBytes: 1024, predictedThroughput: 230, perplexity: 2.02 },
  ...{ measuredThroughput: 198, speedup: { median: 2.2, low: 2.1, high: 2.31 }, kl: 0.00688, accuracy: 0.891 },
  ...{ accuracyStandardError: 0.004, tasks: [{ name: 'sums', items: 500, chance: 0.25, accuracy: 0.78 }] },
};
const predicted: ComparedModel = {
  ...{ ...child, name: 'present optimum', dir: null, measuredThroughput: null, speedup: null, perplexity: null },
  ...{ kl: null, accuracy: null, accuracyStandardError: null, tasks: [] },
};

describe('the comparison', () => {
  const cells = (model: ComparedModel): Record<string, [string, string]> =>
    Object.fromEntries(comparisonLines(parent).map(({ key, value, kept }) => [key, [value(model), kept(model)]]));

  it('shows each figure and what is kept of the parent', () => {
    assert.deepEqual(cells(child), {
      parameters: ['1,000', '25.0%'],
      memory: ['1.00 KiB', '50.0%'],
      predicted: ['230', '2.30×'],
      measured: ['198', '2.20× [2.10, 2.31]'],
      perplexity: ['2.020', '+1.0%'],
      kl: ['0.00688', ''],
      accuracy: ['89.1%', '99.0% ± 0.4'],
      'task/sums': ['78.0%', '97.5%'],
      'task/words': ['–', '–'],
    });
  });

  it('is copied as a table, parted by tabs', () => {
    const lines = comparisonTsv([parent, child]).split('\n');
    assert.equal(lines[0], `measure\t${parent.name}\t${child.name}\tkept by ${child.name}`);
    assert.equal(
      lines
        .find((line) => line.startsWith('Memory'))
        ?.split('\t')
        .at(-1),
      '50.0%',
    );
    assert.equal(lines.length, comparisonLines(parent).length + 2);
    assert.equal(comparisonTsv([]), '');
  });

  it('has dashes for what was not measured', () => {
    const { measured, perplexity, accuracy, parameters } = cells(predicted);
    assert.deepEqual([measured, perplexity, accuracy], Array(3).fill(['–', '–']));
    assert.deepEqual(parameters, ['1,000', '25.0%']);
  });

  it('says once how many questions each task has, if it is the same for all', () => {
    assert.equal(uniformQuestions(parent), '500 questions, chance 25.0%');
    const [sums, words] = parent.tasks;
    assert.ok(sums !== undefined && words !== undefined);
    const uneven = { ...parent, tasks: [sums, { ...words, items: 40 }] };
    assert.equal(uniformQuestions(uneven), null);
    assert.equal(comparisonLines(uneven).at(-1)?.unit, '40 questions, chance 25.0%');
  });

  it('comes down to a few figures, measured where there is a measurement', () => {
    const texts = (model: ComparedModel): string[] =>
      headlineFigures({ models: [parent, model], report: null, solutions: [] }).map(
        ({ name, value, detail }) => `${name} ${value} ${detail}`,
      );
    assert.deepEqual(texts(child), [
      ...['parameters kept 25.0% null', 'memory kept 50.0% null'],
      ...['throughput, measured 2.20× 2.10 to 2.31', 'accuracy kept 99.0% ± 0.4'],
    ]);
    assert.equal(texts(predicted).at(-1), 'throughput, predicted 2.30× null');
    assert.deepEqual(headlineFigures({ models: [parent], report: null, solutions: [] }), []);
  });
});

describe('the number of tokens to continue by', () => {
  it('is a whole number that can be asked for, or none', () => {
    assert.deepEqual([' 48 ', '1', '1024'].map(parseTokens), [48, 1, 1024]);
    for (const text of ['', '0', '1025', '1.5', '-3', '1e2', 'many']) assert.equal(parseTokens(text), null, text);
  });
});
