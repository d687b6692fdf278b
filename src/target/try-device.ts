// The program of the process in which a device is tried: a fault of a driver ends this process and no other.
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
const STEPS = [
  [5, 3],
  [5, 8],
  [9, 7],
];
/** Of logits of about one: more than rounding in another order makes, less than any wrong operator does. */
const TOLERANCE = 1e-3;
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

/** Logits [B, V] of a small random model after prefill and after each decode step, fed the same tokens everywhere. */
async function logitsOn(device: Device): Promise<Float32Array[]> {
  const config = smallModel();
  const capacity = PROMPT.length / BATCH + STEPS.length;
  const options = { batch: BATCH, capacity, threads: 1, device, logits: true };
  const decoder = new Decoder(config, randomWeights(config, SEED), options);
  try {
    await decoder.prefill(PROMPT);
    const logits = [decoder.logits];
    for (const ids of STEPS) {
      await decoder.step(ids);
      logits.push(decoder.logits);
    }
    return logits;
  } finally {
    await decoder.release();
  }
}

/** The largest difference, NaN if any value is none. */
function largestDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  return Math.max(...a.flatMap((values, i) => Array.from(values, (value, j) => Math.abs(value - (b[i]?.[j] ?? NaN)))));
}

async function tryDevice(device: Device): Promise<string | null> {
  const listed = listedDevices();
  if (!listed.includes(device)) {
    return `ONNX Runtime ${ENGINE_VERSION} for ${process.platform}-${process.arch} has ${listed.join(', ')} only`;
  }
  try {
    const difference = largestDifference(await logitsOn('cpu'), await logitsOn(device));
    if (difference <= TOLERANCE) return null;
    return `it computes something else than the CPU: logits are up to ${difference.toPrecision(2)} apart`;
  } catch (error) {
    return messageOf(error).replace(WHERE_IN_SOURCES, '').trim();
  }
}

const device = DEVICES.find((name) => name === process.argv[2]);
if (device === undefined) throw new InputError(`is none of ${DEVICES.join(', ')}`, 'device');
// Whoever asked is gone.
const end = () => process.exit(1);
process.once('disconnect', end);
const tried: Tried = { reason: await tryDevice(device) };
process.send?.(tried, () => {
  process.off('disconnect', end);
  process.disconnect();
});
