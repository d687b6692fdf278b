// The program of the process in which a device is tried: a fault of a driver ends this process and no other.
import { isDeepStrictEqual } from 'node:util';
import { InputError, messageOf } from '../common/errors.js';
import { type Device, DEVICES } from '../common/devices.js';
import { ENGINE_VERSION, listedDevices } from '../graph/engine.js';
import { type ModelConfig, parseModelConfig } from '../formats/hf-config.js';
import { Decoder } from '../model/decoder.js';
import { randomWeights } from './random-weights.js';

/** What comes back: null where the device works, or else why it does not. */
export interface Tried {
  reason: string | null;
}

/** The place in the runtime's own sources that some of its messages begin with, and the condition that failed there. */
const WHERE_IN_SOURCES = /^\/\S+\.cc:\d+ .* was false\. /s;

const BATCH = 2;
const PROMPT = [3, 1, 4, 1, 5, 9, 2, 6];
const STEPS = 3;
const SEED = 1;

/** Every kind of subblock that there is, and grouped heads. */
function smallModel(): ModelConfig {
  const config = parseModelConfig(
    {
      ...{ model_type: 'llama', hidden_act: 'silu', hidden_size: 16, num_attention_heads: 4, num_key_value_heads: 2 },
      ...{ num_hidden_layers: 1, intermediate_size: 32, vocab_size: 64, max_position_embeddings: 16 },
    },
    'the model that devices are tried with',
  );
  return { ...config, layers: [...config.layers, { attention: { kind: 'linear' }, ffn: { kind: 'linear' } }] };
}

/** The tokens that a small random model gives, by prefill and decode steps. */
async function tokensOn(device: Device): Promise<number[][]> {
  const config = smallModel();
  const capacity = PROMPT.length / BATCH + STEPS;
  const decoder = new Decoder(config, randomWeights(config, SEED), { batch: BATCH, capacity, threads: 1, device });
  try {
    const tokens = [await decoder.prefill(PROMPT)];
    for (let step = 0; step < STEPS; step++) tokens.push(await decoder.step(tokens[step] ?? []));
    return tokens;
  } finally {
    await decoder.release();
  }
}

async function tryDevice(device: Device): Promise<string | null> {
  const listed = listedDevices();
  if (!listed.includes(device)) {
    return `ONNX Runtime ${ENGINE_VERSION} for ${process.platform}-${process.arch} has ${listed.join(', ')} only`;
  }
  try {
    const [here, there] = [await tokensOn('cpu'), await tokensOn(device)];
    return isDeepStrictEqual(here, there) ? null : 'it computes something else than the CPU';
  } catch (error) {
    return messageOf(error).replace(WHERE_IN_SOURCES, '').trim();
  }
}

const device = DEVICES.find((name) => name === process.argv[2]);
if (device === undefined) throw new InputError(`is none of ${DEVICES.join(', ')}`, 'device');
const tried: Tried = { reason: await tryDevice(device) };
process.send?.(tried, () => {
  process.disconnect();
});
