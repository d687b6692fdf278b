import type { AttentionShape, FfnShape } from '../formats/hf-config.js';
import { constant } from '../graph/primitives.js';
import { attentionMixed, attentionUpdate, causalAttention, type Weights } from '../model/blocks.js';
import { sliceChannels, type SubblockTensors } from '../model/initialise.js';
import { fit, MAX_GRAM_WIDTH, ofInputs } from '../model/least-squares.js';
import { projectionOf, refit, type Refit } from '../model/refit.js';
import { HeadMerger } from '../model/merge-heads.js';
import { type Half, LINEAR, NORM } from '../model/names.js';
import { subblockTensors, type TensorShape } from '../model/tensors.js';
import { checkpointWeights, layerWeights } from '../model/weights.js';
import type { Model } from './context.js';
import { activationMoments, inputMoments, readChannelOrder } from './moments-task.js';
import { gatherMoments, type MomentSource, withOne } from './moments.js';
import { refitByPanels } from './panel-refit.js';

/** Ways to group heads are fitted to so many tokens, and compared on as many that are held out. */
const CHOICE_TOKENS = 2048;

/** One variant that has a closed form, of a half whose moments are stored. */
export interface ClosedFormRequest {
  parent: Model;
  layer: number;
  half: Half;
  shape: AttentionShape | FfnShape;
  /** Gives the parent's tensors by their names within the layer. */
  read: (name: string) => Promise<Float32Array>;
  moments: { dir: string; source: MomentSource };
  signal: AbortSignal;
}

/** A variant's tensors, and the training tokens that were looked at for it alone. */
export interface ClosedForm {
  tensors: SubblockTensors;
  tokens: number;
}

/**
 * The least-squares solution of a variant: of all last matrices, that which comes nearest to what the parent's half adds
 * to the stream, for the text whose moments are stored; the ridge is chosen on held-out text.
 */
export function closedForm(request: ClosedFormRequest): Promise<ClosedForm> {
  const { half, shape } = request;
  if (shape.kind === 'linear') return linearForm(request);
  if (half === 'ffn' && shape.kind === 'gated') return narrowFfn(request, shape.width);
  if (half === 'attention' && shape.kind === 'gqa') return mergedAttention(request, shape.kvHeads);
  throw new Error(`no closed form for ${half} ${shape.kind}`);
}

async function linearForm({ parent, half, read, moments }: ClosedFormRequest): Promise<ClosedForm> {
  const { hiddenSize } = parent.config;
  const norm = await read(NORM[half]);
  // A linear layer has no bias: the constant input is left out where there is one.
  const inputs = Array.from({ length: hiddenSize }, (_, i) => i);
  const none = new Float64Array(hiddenSize * hiddenSize);
  const { training, heldOut } = await inputMoments(moments.dir, parent.config, half);
  const { weights } = fit(ofInputs(training, inputs), ofInputs(heldOut, inputs), none);
  return { tensors: { [NORM[half]]: norm, [LINEAR[half]]: projectionOf(weights, hiddenSize, hiddenSize) }, tokens: 0 };
}

async function narrowFfn(request: ClosedFormRequest, width: number): Promise<ClosedForm> {
  const { parent, layer, read, moments } = request;
  const own = parent.config.layers[layer]?.ffn;
  if (own?.kind !== 'gated') throw new Error(`layer ${layer} has no channels`);
  const kept = (await readChannelOrder(moments.dir)).slice(0, width);
  const tensors = await readAll(subblockTensors(parent.config, 'ffn', own), read);
  const sliced = sliceChannels(parent.config, own.width, kept, tensors);
  if (own.width > MAX_GRAM_WIDTH) return refitByPanels(request, sliced, { width });
  const { training, heldOut } = await activationMoments(moments.dir, parent.config, own.width);
  const inputs = parent.config.mlpBias ? [...kept, own.width] : kept;
  const split = { training: ofInputs(training, inputs), heldOut: ofInputs(heldOut, inputs) };
  return { tensors: { ...sliced, ...refit(split, sliced, 'mlp.down_proj').tensors }, tokens: 0 };
}

/** Of several ways to group the heads that which, fitted to a few tokens, has the least error on held-out text. */
async function mergedAttention(request: ClosedFormRequest, kvHeads: number): Promise<ClosedForm> {
  const { parent, layer, read, moments } = request;
  const own = parent.config.layers[layer]?.attention;
  if (own?.kind !== 'gqa') throw new Error(`layer ${layer} has no KV heads`);
  const { training } = await inputMoments(moments.dir, parent.config, 'attention');
  const tensors = await readAll(subblockTensors(parent.config, 'attention', own), read);
  const merger = HeadMerger.of(parent.config, own.kvHeads, tensors, training.gram);
  const candidates = merger.groupings(kvHeads).map((groups) => merger.merged(groups));
  const { source } = moments;
  const atMost = Math.ceil(CHOICE_TOKENS / source.sequenceLength);
  const few = { ...source, used: Math.min(source.used, atMost), heldOut: Math.min(source.heldOut, atMost) };
  let [best, least, sequences] = [candidates[0] ?? tensors, Infinity, source.used];
  for (const merged of candidates.length > 1 ? candidates : []) {
    const { error } = await refitOutput(request, own, kvHeads, merged, few);
    sequences += few.used;
    if (error < least) [best, least] = [merged, error];
  }
  const { tensors: output } = await refitOutput(request, own, kvHeads, best, source);
  return { tensors: { ...best, ...output }, tokens: sequences * source.sequenceLength };
}

/** The output projection of a merged attention, fitted to what the parent's attention adds. */
async function refitOutput(
  { parent, layer, signal }: ClosedFormRequest,
  own: AttentionShape,
  kvHeads: number,
  merged: SubblockTensors,
  source: MomentSource,
): Promise<Refit> {
  const { config } = parent;
  const shapes = new Map(
    subblockTensors(config, 'attention', { kind: 'gqa', kvHeads }).map(({ name, shape }) => [name, shape]),
  );
  const weights: Weights = (name) => constant(merged[name] ?? new Float32Array(), shapes.get(name) ?? []);
  const parentWeights = layerWeights(checkpointWeights(parent.checkpoint), layer);
  const { mixed } = await gatherMoments(
    source,
    (x, batch) => {
      const core = causalAttention({ config, batch, sequence: source.sequenceLength });
      const inputs = attentionMixed(config, kvHeads, weights, core, x);
      const outputs = attentionUpdate(config, own, parentWeights, core, x);
      if (outputs === undefined) throw new Error(`layer ${layer} has no attention`);
      return { mixed: { inputs: config.attentionBias ? withOne(inputs) : inputs, outputs } };
    },
    signal,
  );
  return refit(mixed, merged, 'self_attn.o_proj');
}

async function readAll(
  names: readonly TensorShape[],
  read: (name: string) => Promise<Float32Array>,
): Promise<SubblockTensors> {
  const tensors: SubblockTensors = {};
  for (const { name } of names) tensors[name] = await read(name);
  return tensors;
}
