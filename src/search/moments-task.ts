import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ModelConfig } from '../formats/hf-config.js';
import { readTensor, tensorEntry } from '../formats/safetensors.js';
import {
  attentionUpdate,
  causalAttention,
  ffnActivation,
  ffnUpdate,
  normedInput,
  type Weights,
} from '../model/blocks.js';
import { eliminationOrder } from '../model/channel-order.js';
import { channelContributions, keptChannels } from '../model/initialise.js';
import { MAX_GRAM_WIDTH, type SplitMoments } from '../model/least-squares.js';
import { type Half, layerTensor } from '../model/names.js';
import { checkpointWeights, layerWeights } from '../model/weights.js';
import type { Value } from '../graph/value.js';
import { writeDirectory } from '../run/artifacts.js';
import { type Model, openModel, type TaskAnswer, type TaskContext } from './context.js';
import { gatherMoments, type MomentSource, readMoments, type Regressions, withOne, writeMoments } from './moments.js';

/** What one half of one layer of the parent makes of its inputs, as moments that the closed forms of its variants share. */
export interface MomentsPayload {
  parentDir: string;
  layer: number;
  half: Half;
  source: MomentSource;
  channelsFile: string;
  output: { dir: string; artifact: string };
}

/** Elimination takes the cube of the width: above this many channels they are ranked by their contribution. */
const MAX_ELIMINATION = 2048;

const INPUT_FILE = 'input.f64';
const ACTIVATION_FILE = 'activation.f64';
const ORDER_FILE = 'order.json';

/** One pass over the layer's cached inputs: the moments of them, and of the FFN's channels with the order to keep them in. */
export async function momentsTask(payload: MomentsPayload, { signal }: TaskContext): Promise<TaskAnswer> {
  const { layer, half, source, output } = payload;
  const parent = await openModel(payload.parentDir);
  const weights = layerWeights(checkpointWeights(parent.checkpoint), layer);
  const moments = await gatherMoments(
    source,
    (x, sequences) => regressions(parent.config, payload, weights, x, sequences),
    signal,
  );
  const order = half === 'ffn' ? await channelOrder(parent, payload, moments['activation']) : undefined;
  await writeDirectory(output.dir, async (dir) => {
    await mkdir(dir, { recursive: true });
    for (const [name, split] of Object.entries(moments)) await writeMoments(path.join(dir, `${name}.f64`), split);
    if (order !== undefined) await writeFile(path.join(dir, ORDER_FILE), JSON.stringify(order));
  });
  return { artifact: output.artifact, tokens: source.used * source.sequenceLength };
}

function regressions(
  config: ModelConfig,
  { layer, half, source }: MomentsPayload,
  weights: Weights,
  x: Value,
  sequences: number,
): Regressions<string> {
  const shape = config.layers[layer];
  if (shape === undefined) throw new Error(`no layer ${layer}`);
  const normed = normedInput(config, half, weights, x);
  if (half === 'attention') {
    const core = causalAttention({ config, batch: sequences, sequence: source.sequenceLength });
    const outputs = attentionUpdate(config, shape.attention, weights, core, x);
    if (outputs === undefined) throw new Error(`layer ${layer} has no attention`);
    return { input: { inputs: config.attentionBias ? withOne(normed) : normed, outputs } };
  }
  const outputs = ffnUpdate(config, shape.ffn, weights, x);
  if (outputs === undefined) throw new Error(`layer ${layer} has no FFN`);
  const input = { inputs: normed, outputs };
  if (shape.ffn.kind !== 'gated' || shape.ffn.width > MAX_GRAM_WIDTH) return { input };
  const activation = ffnActivation(config, weights, x);
  return {
    input,
    activation: { inputs: config.mlpBias ? withOne(activation) : activation, outputs },
  };
}

async function channelOrder(
  { config, checkpoint }: Model,
  { layer, channelsFile }: MomentsPayload,
  moments: SplitMoments | undefined,
): Promise<number[]> {
  const down = await readTensor(tensorEntry(checkpoint, layerTensor(layer, 'mlp.down_proj.weight')));
  const width = down.length / config.hiddenSize;
  if (moments === undefined || width > MAX_ELIMINATION) {
    const absMean = JSON.parse(await readFile(channelsFile, 'utf8')) as number[];
    return keptChannels(channelContributions(absMean, down), width);
  }
  const { inputs, outputs } = moments.training;
  const weights = new Float64Array(inputs * outputs);
  down.forEach((value, i) => (weights[(i % width) * outputs + Math.floor(i / width)] = value));
  return eliminationOrder(moments.training, weights, inputs - width).filter((channel) => channel < width);
}

/** The moments of a half's normed inputs, with a constant 1 behind them where attention has biases. */
export function inputMoments(
  dir: string,
  { hiddenSize, attentionBias }: ModelConfig,
  half: Half,
): Promise<SplitMoments> {
  const one = half === 'attention' && attentionBias ? 1 : 0;
  return readMoments(path.join(dir, INPUT_FILE), hiddenSize + one, hiddenSize);
}

/** The moments of an FFN's channels, with a constant 1 behind them where it has biases. */
export function activationMoments(dir: string, config: ModelConfig, width: number): Promise<SplitMoments> {
  return readMoments(path.join(dir, ACTIVATION_FILE), width + (config.mlpBias ? 1 : 0), config.hiddenSize);
}

/** An FFN's channels, the most needed first. */
export async function readChannelOrder(dir: string): Promise<number[]> {
  return JSON.parse(await readFile(path.join(dir, ORDER_FILE), 'utf8')) as number[];
}
