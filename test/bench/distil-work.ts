// Distil tasks of the example's first layer, on made-up activations: only their size counts.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Random } from '../../src/common/random.js';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import type { Variant } from '../../src/model/variants.js';
import { openModel } from '../../src/search/context.js';
import type { DistilPayload } from '../../src/search/distil.js';
import { HiddenWriter } from '../../src/search/hidden-file.js';
import { EXAMPLE_PARENT } from './example-files.js';

/** What the payloads of all variants share. */
export type DistilSizes = Pick<
  DistilPayload,
  'sequences' | 'sequenceLength' | 'batch' | 'tokens' | 'learningRate' | 'seed'
>;

/** One payload for each variant, with files in `scratch` that begin with `name`. */
export async function distilPayloads(
  scratch: string,
  name: string,
  variants: readonly Pick<Variant, 'half' | 'name' | 'shape'>[],
  sizes: DistilSizes,
): Promise<DistilPayload[]> {
  const { config } = await openModel(EXAMPLE_PARENT);
  const file = (kind: string) => path.join(scratch, `${name}-${kind}`);
  const hidden = async (kind: string) => {
    const random = Random.of(1, kind);
    await using writer = await HiddenWriter.create(file(kind));
    const rows = sizes.sequences * sizes.sequenceLength;
    await writer.append(Float32Array.from({ length: rows * config.hiddenSize }, () => random.normal()));
    return file(kind);
  };
  const { ffn } = ownLayer(config);
  await writeFile(file('channels'), JSON.stringify(Array.from({ length: ffn.width }, () => 1)));
  const shared = {
    ...{ parentDir: EXAMPLE_PARENT, layer: 0, channelsFile: file('channels'), moments: undefined },
    ...{ inputFile: await hidden('input'), targetFile: await hidden('target') },
  };
  return variants.map(({ half, name: variant, shape }): DistilPayload => {
    const artifact = `${half}-${variant}`;
    const trained = shape.kind !== 'no-op';
    const output = trained ? { file: file(artifact), artifact } : undefined;
    return { ...shared, ...sizes, half, variant, shape, output };
  });
}

/** The shapes of the example's first layer. */
export function ownLayer({ layers: [own] }: ModelConfig) {
  if (own?.attention.kind !== 'gqa' || own.ffn.kind !== 'gated') throw new Error('the example has another first layer');
  return { attention: own.attention, ffn: own.ffn };
}
