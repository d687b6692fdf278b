import { Random } from '../../common/random.js';
import type { AttentionShape, FfnShape } from '../../formats/hf-config.js';
import { input, mul, reshape, softmax, sqrt, sub, sum } from '../../graph/primitives.js';
import { float32, Session } from '../../graph/session.js';
import type { Value } from '../../graph/value.js';
import { causalAttention, head, layerBlock } from '../../model/blocks.js';
import type { Half } from '../../model/names.js';
import { checkpointWeights, layerWeights } from '../../model/weights.js';
import { writeArtifact } from '../../run/artifacts.js';
import { type Model, openModel, type TaskAnswer } from '../context.js';
import { replacedLayer } from '../distil.js';
import { HiddenReader, HiddenWriter } from '../hidden-file.js';
import { variantWeights } from '../library.js';

/** One variant whose mark on the parent's logits is to be kept. Paths are absolute. */
export interface SketchPayload {
  parentDir: string;
  layer: number;
  half: Half;
  shape: AttentionShape | FfnShape;
  /** The trained tensors; undefined for a no-op. */
  variantFile: string | undefined;
  /** The parent's stream before this subblock, and after the last layer. */
  inputFile: string;
  finalFile: string;
  sequences: number;
  sequenceLength: number;
  seed: number;
  output: { file: string; artifact: string };
}

/** Numbers of a sketch: products of two of them err by about one part in the root of this, of the product of their norms. */
const SKETCH_SIZE = 2 ** 14;

/**
 * What one variant alone does to the logits, in the metric in which half its square is a KL: rows √p (z - p·z), where p
 * are the parent's probabilities and z what is added to its logits (the second order of KL in z is zᵀ(diag p - ppᵀ)z / 2).
 * Kept as a count sketch (Charikar, Chen and Farach-Colton 2002): every number is added, with a random sign, to one of a
 * few, so that products of sketches have the products of the whole as their expectations.
 */
export async function sketchTask(payload: SketchPayload, { signal }: { signal: AbortSignal }): Promise<TaskAnswer> {
  const parent = await openModel(payload.parentDir);
  const { hiddenSize } = parent.config;
  const { sequenceLength } = payload;
  await using inputs = await HiddenReader.open(payload.inputFile, hiddenSize);
  await using finals = await HiddenReader.open(payload.finalFile, hiddenSize);
  const { vocabSize } = parent.config;
  const sketch = new Float32Array(SKETCH_SIZE);
  const session = await Session.create({ sums: await program(parent, payload) });
  try {
    for (let sequence = 0; sequence < payload.sequences; sequence++) {
      signal.throwIfAborted();
      const rows = async (reader: HiddenReader) =>
        float32(await reader.read(sequence * sequenceLength, sequenceLength), [sequenceLength, hiddenSize]);
      const signs = randomSigns(payload.seed, sequence, sequenceLength * vocabSize);
      const { sums } = await session.run({
        ...{ x: await rows(inputs), final: await rows(finals) },
        signs: float32(signs, [sequenceLength, vocabSize]),
      });
      for (const [i, value] of (sums?.data as Float32Array).entries()) {
        const place = (sequence * vocabSize + i) % SKETCH_SIZE;
        sketch[place] = (sketch[place] as number) + value;
      }
    }
  } finally {
    await session.release();
  }
  await writeArtifact(payload.output.file, async (temporary) => {
    await using writer = await HiddenWriter.create(temporary);
    await writer.append(sketch);
    await writer.sync();
  });
  return { artifact: payload.output.artifact, tokens: payload.sequences * sequenceLength };
}

/** A sketch as it was written. */
export async function readSketch(file: string): Promise<Float32Array> {
  await using reader = await HiddenReader.open(file, SKETCH_SIZE);
  return reader.read(0, 1);
}

/** The same for every variant: only then do their products mean anything. */
function randomSigns(seed: number, sequence: number, length: number): Float32Array {
  const random = Random.of(seed, 'sketch', sequence);
  return Float32Array.from({ length }, () => (random.next() < 0.5 ? -1 : 1));
}

/** The rows of one sequence added up with their signs: [1, V]. */
async function program(parent: Model, payload: SketchPayload): Promise<Value> {
  const { config, checkpoint } = parent;
  const { layer, half, shape, sequenceLength } = payload;
  const weights = checkpointWeights(checkpoint);
  const core = causalAttention({ config, batch: 1, sequence: sequenceLength });
  const replacement = { half, shape, weights: await variantWeights(payload.variantFile) };
  const size = [sequenceLength, config.hiddenSize];
  let x = replacedLayer(parent, layer, replacement, input('x', size), sequenceLength);
  for (const [index, later] of config.layers.entries()) {
    if (index > layer) x = layerBlock(config, later, layerWeights(weights, index), core, x);
  }
  const before = head(config, weights, input('final', size));
  const change = sub(head(config, weights, x), before);
  const p = softmax(before);
  const mark = mul(sqrt(p), sub(change, sum(mul(p, change), [-1])));
  return reshape(sum(mul(mark, input('signs', mark.shape)), [0]), [1, config.vocabSize]);
}
