import type { FfnShape } from '../formats/hf-config.js';
import { constant, matmul, slice, sub } from '../graph/primitives.js';
import type { Value } from '../graph/value.js';
import { ffnActivation, ffnUpdate, type Weights } from '../model/blocks.js';
import type { SubblockTensors } from '../model/initialise.js';
import { refit } from '../model/refit.js';
import { subblockTensors } from '../model/tensors.js';
import { checkpointWeights, layerWeights } from '../model/weights.js';
import type { ClosedForm, ClosedFormRequest } from './closed-form.js';
import { gatherMoments, withOne } from './moments.js';

/** Channels fitted together: bounds the memory, which grows with their square, and the time of a panel with their cube. */
export const PANEL_CHANNELS = 1024;

const DOWN = 'mlp.down_proj';

/**
 * Fits the down projection of a narrower FFN panel by panel, where the Gram matrix of all its channels would be too large:
 * each panel of channels to what the others leave of the parent's output, in a pass of its own (block Gauss-Seidel). No
 * panel raises the error, and round by round they come to the solution of all at once.
 *
 * @param start the variant's tensors to begin from
 */
export async function refitByPanels(
  { parent, layer, moments: { source }, signal }: Omit<ClosedFormRequest, 'half' | 'shape' | 'read'>,
  start: SubblockTensors,
  { width, panel = PANEL_CHANNELS, rounds = 1 }: { width: number; panel?: number; rounds?: number },
): Promise<ClosedForm> {
  const { config } = parent;
  const own = config.layers[layer]?.ffn;
  const shape: FfnShape = { kind: 'gated', width };
  const shapes = new Map(subblockTensors(config, 'ffn', shape).map(({ name, shape }) => [name, shape]));
  const parentWeights = layerWeights(checkpointWeights(parent.checkpoint), layer);
  const tensors = { ...start };
  const weights: Weights = (name) => constant(tensors[name] ?? new Float32Array(), shapes.get(name) ?? []);
  const panels = Array.from({ length: Math.ceil(width / panel) }, (_, i) => i * panel);
  for (const from of Array.from({ length: rounds }, () => panels).flat()) {
    const to = Math.min(width, from + panel);
    const { rest } = await gatherMoments(
      source,
      (x) => {
        const wanted = own && ffnUpdate(config, own, parentWeights, x);
        if (wanted === undefined) throw new Error(`layer ${layer} has no FFN`);
        const [all, down] = [ffnActivation(config, weights, x), weights(`${DOWN}.weight`)];
        const without = (left: Value, [first, end]: readonly [number, number]) =>
          sub(left, matmul(slice(all, 1, first, end), slice(down, 1, first, end), false, true));
        const others = (
          [
            [0, from],
            [to, width],
          ] as const
        ).filter(([first, end]) => first < end);
        const inputs = slice(all, 1, from, to);
        return {
          rest: {
            inputs: config.mlpBias ? withOne(inputs) : inputs,
            outputs: others.reduce(without, wanted),
          },
        };
      },
      signal,
    );
    const panelOnly = { ...tensors, [`${DOWN}.weight`]: columnsOf(tensors, width, [from, to]) };
    const { tensors: fitted } = refit(rest, panelOnly, DOWN);
    const bias = fitted[`${DOWN}.bias`];
    if (bias !== undefined) tensors[`${DOWN}.bias`] = bias;
    tensors[`${DOWN}.weight`] = withColumns(tensors, width, [from, to], fitted[`${DOWN}.weight`] ?? new Float32Array());
  }
  return { tensors, tokens: rounds * panels.length * source.used * source.sequenceLength };
}

function columnsOf(tensors: SubblockTensors, width: number, [from, to]: readonly [number, number]): Float32Array {
  const down = tensors[`${DOWN}.weight`] ?? new Float32Array();
  const count = to - from;
  return Float32Array.from(
    { length: (down.length / width) * count },
    (_, i) => down[Math.floor(i / count) * width + from + (i % count)] ?? 0,
  );
}

function withColumns(
  tensors: SubblockTensors,
  width: number,
  [from, to]: readonly [number, number],
  columns: Float32Array,
): Float32Array {
  const down = Float32Array.from(tensors[`${DOWN}.weight`] ?? []);
  const count = to - from;
  columns.forEach((value, i) => (down[Math.floor(i / count) * width + from + (i % count)] = value));
  return down;
}
