import assert from 'node:assert/strict';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bar } from '../../src/cli/render-map.js';
import { renderReport } from '../../src/cli/render-report.js';
import { InputError } from '../../src/common/errors.js';
import { buildReport, type Report, reportedChild, writeReport } from '../../src/search/report.js';
import { canonicalJson } from '../../src/run/task-key.js';
import { exampleEvaluation, exampleReportPieces } from '../support/report-pieces.js';
import { temporaryDirectory } from '../support/run-process.js';

const GOLDEN = join(import.meta.dirname, '../golden/report.txt');

/** Compares with the golden text; UPDATE_GOLDEN=1 blesses what is printed now. */
async function matchesGolden(text: string): Promise<void> {
  if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(GOLDEN, text);
  assert.equal(text, await readFile(GOLDEN, 'utf8'));
}

describe('the report', () => {
  it('reads as the golden text', async () => {
    await matchesGolden(renderReport(buildReport(exampleReportPieces())));
  });

  it('names the device that parent and child were timed on', () => {
    const pieces = exampleReportPieces();
    const timed = (device?: 'webgpu') => {
      const { evaluation } = pieces.child;
      const speedup = device === undefined ? evaluation.speedup : { ...evaluation.speedup, device };
      const report = buildReport({ ...pieces, child: { ...pieces.child, evaluation: { ...evaluation, speedup } } });
      return renderReport(report).replaceAll(/\s+/g, ' ');
    };
    assert.match(timed(), /in the same decode loop on 2 threads; kept/);
    assert.match(timed('webgpu'), /in the same decode loop on WebGPU; kept/);
  });

  it('has the keys that other programs rely on, and is plain JSON', () => {
    const report = buildReport(exampleReportPieces());
    const stored = JSON.parse(canonicalJson(report)) as Report;
    assert.deepEqual(stored, report);
    for (const key of ['parent', 'child', 'kept', 'tokens', 'seconds']) assert.ok(Object.hasOwn(stored, key), key);
    const { kept } = stored;
    assert.equal(kept.speedup, 2.2);
    assert.ok(kept.speedupLow < kept.speedup && kept.speedup < kept.speedupHigh);
    assert.equal(stored.tokens, 1_200_000);
    assert.equal(stored.seconds, 402.5);
  });

  it('keeps of the parent what the evaluation says, and memory and parameters by exact accounting', () => {
    const { parent, child, kept } = buildReport(exampleReportPieces());
    assert.equal(kept.accuracy, 0.99);
    assert.equal(kept.memory, child.memory.bytes / parent.memory.bytes);
    assert.equal(kept.parameters, child.parameters / parent.parameters);
    assert.equal(parent.memory.bytes, parent.memory.weightBytes + parent.memory.kvBytes);
  });

  it('adds up the scores of the halves of each layer to the objective, the parent’s own dropping nothing', () => {
    const { architecture, solution } = buildReport(exampleReportPieces());
    const sum = architecture.reduce((total, { score }) => total + score, 0);
    assert.ok(Math.abs(sum - solution.objective) < 1e-12);
    assert.equal(architecture[0]?.score, 0);
  });

  it('tells what whole architectures did, and which program is proven', () => {
    const pieces = exampleReportPieces();
    const { architecture } = pieces.solution;
    const told = (predicted: number, value: number, first: string) => ({
      architecture: architecture.map((layer, i) => (i === 0 ? { ...layer, attention: first } : layer)),
      ...{ sumOfScores: 0.493, predicted, realised: { value, standardError: 0.01 } },
    });
    const interactions = {
      ...{ evaluations: 40, heldOutTokens: 8192, provenWithinLayers: 2 },
      chosen: told(0.61, 0.62, 'kv4'),
      additive: told(0.79, 0.8, 'kv2'),
      difference: { value: -0.18, standardError: 0.004 },
      rankCorrelation: { predicted: 0.93, sumOfScores: 0.41 },
    };
    const text = (changes: Partial<typeof interactions>) =>
      renderReport(
        buildReport({ ...pieces, solution: { ...pieces.solution, interactions: { ...interactions, ...changes } } }),
      ).replaceAll(/\s+/g, ' ');
    const both = text({});
    assert.match(both, /0\.620 ± 0\.0100 \(0\.610 predicted\) on 8,192 tokens/);
    assert.match(both, /least sum of scores 0\.800 ± 0\.0100 \(0\.790 predicted\), difference -0\.180 ± 0\.00400/);
    assert.match(
      both,
      /Measured architectures: 40; .* 0\.93 with what the others predict, 0\.41 with the sum of scores/,
    );
    assert.match(both, /Proven: .* at most 2 other layers/);
    const same = text({ chosen: interactions.additive, provenWithinLayers: 0 });
    assert.match(same, /none was reliably better than the least sum/);
    assert.doesNotMatch(same, /Proven:/);
  });

  it('says nothing about accuracy where the spec names no tasks', () => {
    const pieces = exampleReportPieces();
    const evaluation = { ...exampleEvaluation(pieces.parent, pieces.child.config), tasks: [], accuracy: null };
    const report = buildReport({ ...pieces, child: { ...pieces.child, evaluation }, baselines: [] });
    assert.equal(report.kept.accuracy, null);
    assert.doesNotMatch(renderReport(report), /accuracy/i);
  });

  it('leads to the child also after the run directory was moved', async (t) => {
    const base = await temporaryDirectory(t);
    const run = join(base, 'before');
    const pieces = exampleReportPieces();
    const paths = { ...pieces.paths, run, report: join(run, 'report.json'), child: join(run, 'child') };
    await mkdir(run);
    await writeReport(buildReport({ ...pieces, paths }));
    await rename(run, join(base, 'after'));
    assert.equal(await reportedChild(join(base, 'after')), join(base, 'after/child'));
    await assert.rejects(reportedChild(base), InputError);
  });
});

describe('a bar of the map', () => {
  it('is as long as the share that is kept, to an eighth of a cell', () => {
    assert.equal(bar(1), '█'.repeat(12));
    assert.equal(bar(0.5), '█'.repeat(6));
    assert.equal(bar(1 / 96), '▏');
    assert.equal(bar(0), '');
  });
});
