import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ModelConfig, toNemotronNas } from '../../src/formats/hf-config.js';
import { type TensorToWrite, writeSafetensors } from '../../src/formats/safetensors-write.js';
import { modelTensors } from '../../src/model/tensors.js';

/** The example's tokenizer, which every checkout has: 1,024 tokens. */
const TOKENIZER_DIR = fileURLToPath(new URL('../../examples/stories/model', import.meta.url));
export const EXAMPLE_VOCABULARY = 1024;

/** A folder that is gone after the test. */
export async function temporaryFolder(context: { after: (fn: () => Promise<void>) => void }): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'puzzle-test-'));
  context.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Writes a model as its folder would hold it; with a vocabulary of EXAMPLE_VOCABULARY the tokenizer fits. */
export async function writeModelFolder(
  dir: string,
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const tensors = modelTensors(config).map(({ name, shape }): TensorToWrite => {
    const data = weights.get(name);
    if (data === undefined) throw new Error(`no weight is called ${name}`);
    return { name, shape, dtype: config.dtype, data: () => data };
  });
  await writeSafetensors(join(dir, 'model.safetensors'), tensors);
  await writeFile(join(dir, 'config.json'), JSON.stringify(toNemotronNas(config)));
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) await cp(join(TOKENIZER_DIR, name), join(dir, name));
}
