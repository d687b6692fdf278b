import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { AttentionShape, FfnShape, LayerShape, ModelConfig } from '../formats/hf-config.js';
import { readTensor, tensorEntry } from '../formats/safetensors.js';
import { type TensorToWrite, writeSafetensors } from '../formats/safetensors-write.js';
import { initialTensors, type SubblockTensors } from '../model/initialise.js';
import { type Half, HALVES, layerTensor } from '../model/names.js';
import { modelTensors, subblockTensors } from '../model/tensors.js';
import { childConfig, writeChildFolder } from './assemble.js';
import type { Model } from './context.js';

/**
 * Writes a child with other layers straight from the parent, in the parent's precision: training-free, channels by their
 * contribution, KV heads by their means. `channels` are the files of mean |activation| per layer.
 */
export async function assembleUntrained(
  parent: Model,
  layers: LayerShape[],
  channels: readonly string[],
  childDir: string,
): Promise<void> {
  const config = childConfig(parent.config, layers);
  const origins = originsOf(config);
  // Tensors are asked for in order: those of one subblock are made together, and in memory no longer than needed.
  let [latest, made] = ['', Promise.resolve<SubblockTensors>({})];
  const read = async (name: string): Promise<Float32Array> => {
    const origin = origins.get(name);
    if (origin === undefined) return readTensor(tensorEntry(parent.checkpoint, name));
    const subblock = `${origin.layer} ${origin.half}`;
    if (subblock !== latest) [latest, made] = [subblock, initialSubblock(parent, origin, channels)];
    const data = (await made)[origin.name];
    if (data === undefined) throw new Error(`no initial ${name}`);
    return data;
  };
  const tensors = modelTensors(config).map(({ name, shape }): TensorToWrite => ({
    ...{ name, shape, dtype: config.dtype },
    data: () => read(name),
  }));
  await writeSafetensors(path.join(childDir, 'model.safetensors'), tensors, { format: 'pt' });
  await writeChildFolder(parent.dir, config, childDir);
}

interface Origin {
  layer: number;
  half: Half;
  shape: AttentionShape | FfnShape;
  /** Within the layer. */
  name: string;
}

/** Where each tensor of a layer comes from, by its full name. */
function originsOf(config: ModelConfig): Map<string, Origin> {
  const origins = config.layers.flatMap((shapes, layer) =>
    HALVES.flatMap((half) => {
      const shape = shapes[half];
      const tensors =
        half === 'attention'
          ? subblockTensors(config, 'attention', shapes.attention)
          : subblockTensors(config, 'ffn', shapes.ffn);
      return tensors.map(({ name }) => [layerTensor(layer, name), { layer, half, shape, name }] as const);
    }),
  );
  return new Map(origins);
}

async function initialSubblock(
  parent: Model,
  { layer, half, shape }: Origin,
  channels: readonly string[],
): Promise<SubblockTensors> {
  const read = (name: string) => readTensor(tensorEntry(parent.checkpoint, layerTensor(layer, name)));
  const meanAbs = half === 'ffn' ? (JSON.parse(await readFile(channels[layer] ?? '', 'utf8')) as number[]) : [];
  return initialTensors(parent.config, layer, half, shape, read, meanAbs);
}
