import type { Fields } from '../../formats/fields.js';
import type { Family, Switch } from './families.js';
import type { AttentionPart, Dense, Experts, FfnPart, Heads } from './parts.js';

/** What the count of a half needs to know of the whole model. */
export interface CountContext {
  /** Undefined where the family's tensors are not known: then nothing but a no-op can be counted. */
  family: Family | undefined;
  hiddenSize: number | null;
  fields: Fields;
}

/** Parameters of the attention half, its norms included; null where they cannot be told. */
export function attentionParameters(part: AttentionPart, { family, hiddenSize, fields }: CountContext): number | null {
  if (part.kind === 'no-op') return 0;
  if (family === undefined || hiddenSize === null) return null;
  if (part.kind === 'linear') return linearParameters(hiddenSize);
  if (part.kind !== 'heads') return null;
  const sizes = knownHeads(part);
  if (sizes === null) return null;
  const { heads, kvHeads, headDim } = sizes;
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  const biases =
    (isOn(family.qkvBias, fields) ? queries + 2 * keys : 0) + (isOn(family.outputBias, fields) ? hiddenSize : 0);
  const extras = (family.queryKeyNorm ? 2 * headDim : 0) + (family.sinks ? heads : 0);
  return 2 * hiddenSize * (queries + keys) + biases + extras + family.norms * hiddenSize;
}

/** Parameters of the FFN half, its norms included; null where they cannot be told. */
export function ffnParameters(part: FfnPart, { family, hiddenSize, fields }: CountContext): number | null {
  if (part.kind === 'no-op') return 0;
  if (family === undefined || hiddenSize === null) return null;
  if (part.kind === 'linear') return linearParameters(hiddenSize);
  const norms = family.norms * hiddenSize;
  if (part.kind === 'dense') {
    return plus(denseParameters(part, family, hiddenSize, isOn(family.ffnBias, fields)), norms);
  }
  if (part.kind === 'experts') return plus(expertParameters(part, family, hiddenSize), norms);
  return null;
}

/** Embeddings, last norm and head; null where they cannot be told. */
export function nonBlockParameters(
  { family, hiddenSize, fields }: CountContext,
  vocabSize: number | null,
): number | null {
  if (family === undefined || hiddenSize === null || vocabSize === null) return null;
  const tied = isOn({ field: 'tie_word_embeddings', absent: family.absent.tied }, fields);
  return vocabSize * hiddenSize * (tied ? 1 : 2) + hiddenSize;
}

/** KV cache bytes of one token in 16 bits; null where they cannot be told. */
export function kvBytesPerToken(part: AttentionPart, family: Family | undefined): number | null {
  if (part.kind === 'no-op' || part.kind === 'linear') return 0;
  const sizes = part.kind === 'heads' && family !== undefined ? knownHeads(part) : null;
  return sizes === null ? null : 2 * sizes.kvHeads * sizes.headDim * BYTES_OF_16_BITS;
}

const BYTES_OF_16_BITS = 2;

function linearParameters(hiddenSize: number): number {
  return hiddenSize * hiddenSize + hiddenSize;
}

function denseParameters({ width }: Dense, family: Family, hiddenSize: number, bias: boolean): number | null {
  if (width === null) return null;
  const biases = bias ? (family.ffnMatrices - 1) * width + hiddenSize : 0;
  return family.ffnMatrices * hiddenSize * width + biases;
}

function expertParameters({ count, width, sharedWidth }: Experts, family: Family, hiddenSize: number): number | null {
  if (family.experts === null) return null;
  const { bias, routerBias, sharedGate } = family.experts;
  const one = denseParameters({ kind: 'dense', width }, family, hiddenSize, bias);
  const shared = denseParameters({ kind: 'dense', width: sharedWidth }, family, hiddenSize, false);
  if (one === null || shared === null) return null;
  const router = count * hiddenSize + (routerBias ? count : 0);
  return count * one + router + shared + (sharedGate && sharedWidth > 0 ? hiddenSize : 0);
}

function knownHeads({ heads, kvHeads, headDim }: Heads): { heads: number; kvHeads: number; headDim: number } | null {
  return heads === null || kvHeads === null || headDim === null ? null : { heads, kvHeads, headDim };
}

function plus(parameters: number | null, more: number): number | null {
  return parameters === null ? null : parameters + more;
}

function isOn(asked: Switch, fields: Fields): boolean {
  if (typeof asked === 'boolean') return asked;
  return fields.has(asked.field) ? fields.flag(asked.field) : asked.absent;
}
