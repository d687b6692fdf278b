import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AttentionShape, FfnShape } from '../../src/formats/hf-config.js';
import { writeSafetensors } from '../../src/formats/safetensors-write.js';
import { type Half, HALVES, layerTensor } from '../../src/model/names.js';
import { subblockTensors } from '../../src/model/tensors.js';
import { writeBytes } from '../../src/run/artifacts.js';
import type { Candidate, Replacement } from '../../src/search/candidate-streams.js';
import type { TaskAnswer } from '../../src/search/context.js';
import { HiddenReader, HiddenWriter } from '../../src/search/hidden-file.js';
import { type Score, type ScorePayload, scoreTask, scoringWindow } from '../../src/search/score.js';
import { writeModelFolder } from '../support/model-folder.js';
import {
  layerWeights,
  type NamedWeights,
  referenceAttention,
  referenceFfn,
  referenceForward,
  referenceHead,
  referenceKl,
  referenceNll,
  type Rows,
} from '../support/reference.js';
import { randomIds, randomWeights, tinyConfig } from '../support/tiny-model.js';

const OWN = { attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'gated', width: 40 } } as const;
const CONFIG = tinyConfig({ layers: [OWN, OWN, OWN] });
const SEQUENCE = 60;
/** One more than go through a subblock together. */
const SEQUENCES = 18;
/** Of float32 against float64, relative. */
const TOLERANCE = 2e-5;

type Replaced = Omit<Replacement, 'file'>;
const attention = (layer: number, shape: AttentionShape): Replaced => ({ layer, half: 'attention', shape });
const ffn = (layer: number, shape: FfnShape): Replaced => ({ layer, half: 'ffn', shape });

const CANDIDATES: Record<string, Replaced[]> = {
  'fewer KV heads': [attention(0, { kind: 'gqa', kvHeads: 1 })],
  'a narrower FFN': [ffn(0, { kind: 'gated', width: 16 })],
  'a matrix for an FFN': [ffn(1, { kind: 'linear' })],
  'no attention in the last layer': [attention(2, { kind: 'no-op' })],
  'no FFN in the last layer': [ffn(2, { kind: 'no-op' })],
  'a pair': [attention(1, { kind: 'linear' }), ffn(1, { kind: 'gated', width: 8 })],
  'no second layer': [attention(1, { kind: 'no-op' }), ffn(1, { kind: 'no-op' })],
  'several layers': [ffn(0, { kind: 'linear' }), attention(1, { kind: 'no-op' }), ffn(2, { kind: 'gated', width: 8 })],
};
const NAMES = Object.keys(CANDIDATES);

/** The parent's streams as they are stored, the files that say so, and the reference's score of every candidate. */
interface Stored {
  payload: ScorePayload;
  expected: Score[];
}

const parentWeights = randomWeights(CONFIG);
const ids = randomIds(CONFIG, SEQUENCE * SEQUENCES);

describe('the score of a candidate', () => {
  let [dir, stored] = ['', {} as Stored];
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'puzzle-test-'));
    stored = await store(dir);
  });
  after(() => rm(dir, { recursive: true, force: true }));

  const windows = [
    { sequences: SEQUENCES, headRows: 2000 },
    { sequences: 17, headRows: 256 },
    { sequences: 4, headRows: 37 },
  ];
  for (const window of windows) {
    const { sequences, headRows } = window;
    it(`is that of the slow reference, ${sequences} of ${SEQUENCES} sequences and ${headRows} rows at a time`, async () => {
      const scores = await scored({ ...stored.payload, window });
      for (const [i, name] of NAMES.entries()) {
        for (const of of ['kl', 'lmLoss', 'cosine'] as const) {
          const [actual, wanted] = [scores[i]?.[of] ?? NaN, stored.expected[i]?.[of] ?? NaN];
          assert.ok(wanted > 1e-3, `${name}: ${of} says nothing`);
          assert.ok(Math.abs(actual - wanted) <= TOLERANCE * wanted, `${name}: ${of} ${actual}, not ${wanted}`);
        }
      }
    });
  }

  it('is the same to the last bit whatever is scored beside it', async () => {
    const { candidates } = stored.payload;
    const together = await scored(stored.payload);
    for (const [i, candidate] of candidates.entries()) {
      assert.deepEqual(await scored({ ...stored.payload, candidates: [candidate] }), [together[i]], NAMES[i]);
    }
  });

  it('is none where it is not a number', async () => {
    const shape = { kind: 'linear' } as const;
    const file = await storeTensors(stored.payload.parentDir, 'broken', ffn(1, shape), () => NaN);
    const broken = { ...stored.payload.candidates[2], replacements: [{ ...ffn(1, shape), file }] } as Candidate;
    const [first, failed] = await answers({
      ...stored.payload,
      candidates: [stored.payload.candidates[2] as Candidate, broken],
    });
    assert.ok((first?.result as Score).kl > 0);
    assert.deepEqual(failed?.result, { failed: 'its score is not a finite number' });
  });
});

describe('what is scored together', () => {
  it('fits in memory, and is at least one candidate over one sequence', () => {
    const sizes = [64, 512, 4096, 16_384].flatMap((hidden) => [16, 256, 8192].map((length) => ({ hidden, length })));
    for (const { hidden, length } of sizes) {
      for (const sequences of [1, 8, 1000]) {
        const { candidates, window } = scoringWindow({ hiddenSize: hidden, vocabSize: 128_256 }, length, sequences);
        assert.ok(window.headRows * 128_256 <= 2 ** 20);
        assert.ok(candidates >= 1 && window.sequences >= 1 && window.sequences <= sequences);
        const bytes = candidates * window.sequences * length * hidden * 4;
        assert.ok(bytes <= 128 * 2 ** 20 || (candidates === 1 && window.sequences === 1));
      }
    }
  });
});

async function answers(payload: ScorePayload): Promise<TaskAnswer[]> {
  return (await scoreTask(payload, { signal: new AbortController().signal })).result as TaskAnswer[];
}

async function scored(payload: ScorePayload): Promise<Score[]> {
  return (await answers(payload)).map(({ result }) => result as Score);
}

async function store(dir: string): Promise<Stored> {
  await writeModelFolder(dir, CONFIG, parentWeights);
  const tokenFile = join(dir, 'ids.i32');
  await writeBytes(tokenFile, new Uint8Array(Int32Array.from(ids).buffer));
  const forwards = bySequence((own) => referenceForward(CONFIG, parentWeights, own));
  const hidden = CONFIG.layers.map((_, layer) => forwards.map((forward) => at(forward.hidden, layer)));
  const middle = hidden.map((sequences, layer) =>
    sequences.map((x) => referenceAttention(CONFIG, OWN.attention, layerWeights(parentWeights, layer), x)),
  );
  const finals = await storeStream(
    join(dir, 'final.f16'),
    forwards.map((forward) => at(forward.hidden, CONFIG.layers.length)),
  );
  const candidates: Candidate[] = [];
  const expected: Score[] = [];
  for (const [name, replaced] of Object.entries(CANDIDATES)) {
    const { layer, half } = at(replaced, 0);
    const input = await storeStream(join(dir, `${name}.f16`), at(half === 'attention' ? hidden : middle, layer));
    const replacements: Replacement[] = [];
    const weights = new Map(parentWeights);
    for (const [i, replacement] of replaced.entries()) {
      const own = randomTensors(replacement, i + 5);
      for (const [tensor, data] of own) weights.set(layerTensor(replacement.layer, tensor), data);
      const file =
        own.size === 0
          ? undefined
          : await storeTensors(dir, `${name}-${i}`, replacement, (t, j) => own.get(t)?.[j] ?? 0);
      replacements.push({ ...replacement, file });
    }
    candidates.push({ inputFile: input.file, replacements });
    expected.push(referenceScore(input.rows, finals.rows, replaced, weights));
  }
  const tokens = { file: tokenFile, sequences: SEQUENCES, sequenceLength: SEQUENCE };
  return {
    payload: {
      parentDir: dir,
      candidates,
      finalFile: finals.file,
      tokens,
      sequences: SEQUENCES,
      window: { sequences: SEQUENCES, headRows: 2000 },
    },
    expected,
  };
}

/** From the stored stream on, half by half, one sequence after the other. */
function referenceScore(input: Rows[], finals: Rows[], replaced: readonly Replaced[], weights: NamedWeights): Score {
  const begin = at(replaced, 0);
  const totals = { kl: 0, lmLoss: 0, cosine: 0 };
  bySequence((own, sequence) => {
    let x = at(input, sequence);
    for (const [layer, shapes] of CONFIG.layers.entries()) {
      for (const half of HALVES) {
        const isBefore = HALVES.indexOf(half) < HALVES.indexOf(begin.half);
        if (layer < begin.layer || (layer === begin.layer && isBefore)) continue;
        const changed = replaced.find((replacement) => replacement.layer === layer && replacement.half === half);
        x = referenceHalf(half, changed?.shape ?? shapes[half], layerWeights(weights, layer), x);
      }
    }
    const final = at(finals, sequence);
    const logits = referenceHead(CONFIG, parentWeights, x);
    totals.kl += total(referenceKl(referenceHead(CONFIG, parentWeights, final), logits));
    totals.lmLoss += total(referenceNll(logits, own));
    totals.cosine += total(
      x.map((row, t) => 1 - dot(row, at(final, t)) / Math.sqrt(dot(row, row) * dot(at(final, t), at(final, t)))),
    );
  });
  const tokens = SEQUENCES * SEQUENCE;
  return {
    kl: totals.kl / tokens,
    lmLoss: totals.lmLoss / (SEQUENCES * (SEQUENCE - 1)),
    cosine: totals.cosine / tokens,
  };
}

function referenceHalf(half: Half, shape: AttentionShape | FfnShape, weights: NamedWeights, x: Rows): Rows {
  return half === 'attention'
    ? referenceAttention(CONFIG, shape as AttentionShape, weights, x)
    : referenceFfn(CONFIG, shape as FfnShape, weights, x);
}

/** Writes hidden states as the search does, and reads what has become of them in half precision. */
async function storeStream(file: string, sequences: readonly Rows[]): Promise<{ file: string; rows: Rows[] }> {
  const width = CONFIG.hiddenSize;
  {
    await using writer = await HiddenWriter.create(file);
    for (const rows of sequences) await writer.append(Float32Array.from(rows.flatMap((row) => [...row])));
  }
  await using reader = await HiddenReader.open(file, width);
  const all = await reader.read(0, SEQUENCES * SEQUENCE);
  const row = (i: number) => Float64Array.from(all.subarray(i * width, (i + 1) * width));
  return { file, rows: bySequence((own, i) => own.map((_, t) => row(i * SEQUENCE + t))) };
}

function shapesOf({ half, shape }: Replaced) {
  return half === 'attention'
    ? subblockTensors(CONFIG, half, shape as AttentionShape)
    : subblockTensors(CONFIG, half, shape as FfnShape);
}

/** Like those of {@link randomWeights}, by their names within the layer. */
function randomTensors(replaced: Replaced, seed: number): Map<string, Float32Array> {
  const { layer, half, shape } = replaced;
  const layers = CONFIG.layers.map((own, i) => (i === layer ? { ...own, [half]: shape } : own));
  const all = randomWeights({ ...CONFIG, layers }, seed);
  return new Map(
    shapesOf(replaced).map(({ name }) => {
      const data = all.get(layerTensor(layer, name));
      if (data === undefined) throw new Error(`no tensor ${name}`);
      return [name, data];
    }),
  );
}

async function storeTensors(
  dir: string,
  name: string,
  replaced: Replaced,
  value: (tensor: string, index: number) => number,
): Promise<string> {
  const file = join(dir, `${name}.safetensors`);
  const tensors = shapesOf(replaced).map((tensor) => {
    const length = tensor.shape.reduce((product, size) => product * size, 1);
    const data = () => Float32Array.from({ length }, (_, i) => value(tensor.name, i));
    return { ...tensor, dtype: 'F32' as const, data };
  });
  await writeSafetensors(file, tensors);
  return file;
}

function bySequence<T>(of: (own: number[], sequence: number) => T): T[] {
  return Array.from({ length: SEQUENCES }, (_, i) => of(ids.slice(i * SEQUENCE, (i + 1) * SEQUENCE), i));
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`nothing at ${index}`);
  return item;
}
