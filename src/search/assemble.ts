import { copyFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { type LayerShape, type ModelConfig, toNemotronNas } from '../formats/hf-config.js';
import { readTensor, tensorEntry, type TensorEntry } from '../formats/safetensors.js';
import { writeSafetensors } from '../formats/safetensors-write.js';
import { HALVES, layerTensor } from '../model/names.js';
import { modelTensors } from '../model/tensors.js';
import { writeJson } from '../run/artifacts.js';
import type { Model } from './context.js';
import { openVariant } from './library.js';

/** What was chosen for one layer: shapes, and the trained tensors of each half (undefined: the parent's own, or none). */
export interface ChosenLayer {
  shape: LayerShape;
  files: { attention: string | undefined; ffn: string | undefined };
}

/** Files of a model folder that a child takes over as they are. */
const CARRIED_OVER =
  /^(tokenizer(_config)?\.json|tokenizer\.model|special_tokens_map\.json|generation_config\.json|added_tokens\.json|vocab\.json|merges\.txt|chat_template\.(jinja|json)|LICENSE.*)$/i;

/** The configuration of a child: the parent's with other layers. */
export function childConfig(parent: ModelConfig, layers: LayerShape[]): ModelConfig {
  return { ...parent, layers };
}

/** Copies tokenizer, generation settings and licence. */
export async function carryOver(parentDir: string, childDir: string): Promise<void> {
  for (const name of await readdir(parentDir)) {
    if (CARRIED_OVER.test(name)) await copyFile(path.join(parentDir, name), path.join(childDir, name));
  }
}

/** Writes a child's folder but for its weights. */
export async function writeChildFolder(parentDir: string, config: ModelConfig, childDir: string): Promise<void> {
  await writeJson(path.join(childDir, 'config.json'), toNemotronNas(config));
  await carryOver(parentDir, childDir);
}

/** Writes the child that the choices describe, from the block library and the parent, in the parent's precision. */
export async function assembleChild(parent: Model, chosen: readonly ChosenLayer[], childDir: string): Promise<void> {
  const config = childConfig(
    parent.config,
    chosen.map(({ shape }) => shape),
  );
  const replaced = new Map<string, TensorEntry>();
  for (const [layer, { files }] of chosen.entries()) {
    for (const half of HALVES) {
      const file = files[half];
      if (file === undefined) continue;
      const { entries } = await openVariant(file);
      for (const entry of entries.values()) replaced.set(layerTensor(layer, entry.name), entry);
    }
  }
  const tensors = modelTensors(config).map(({ name, shape }) => ({
    name,
    dtype: config.dtype,
    shape,
    data: () => readTensor(replaced.get(name) ?? tensorEntry(parent.checkpoint, name)),
  }));
  await writeSafetensors(path.join(childDir, 'model.safetensors'), tensors, { format: 'pt' });
  await writeChildFolder(parent.dir, config, childDir);
}
