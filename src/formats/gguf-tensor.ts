import { f32ToF16 } from '../common/half.js';

/** What a GGUF file may hold tensors as, of what there is. */
export type GgmlType = 'F32' | 'F16' | 'Q8_0';

interface TypeTraits {
  /** The type's number in the format. */
  id: number;
  /** Values encoded together, in a row's order, and the bytes they become. */
  block: number;
  bytes: number;
  /** A whole number of blocks. */
  encode: (values: Float32Array) => Uint8Array;
}

const QUANTS = 32;
/** A scale in half precision, then a signed byte for each value. */
const Q8_0_BYTES = 2 + QUANTS;

export const GGML_TYPES: Record<GgmlType, TypeTraits> = {
  F32: { id: 0, block: 1, bytes: 4, encode: bytesOf },
  F16: { id: 1, block: 1, bytes: 2, encode: (values) => bytesOf(f32ToF16(values)) },
  Q8_0: { id: 8, block: QUANTS, bytes: Q8_0_BYTES, encode: encodeQ8 },
};

/** What a user may ask for, and the type that matrices then have. */
export const GGUF_PRECISIONS = { f32: 'F32', f16: 'F16', q8_0: 'Q8_0' } as const satisfies Record<string, GgmlType>;
export type GgufPrecision = keyof typeof GGUF_PRECISIONS;
export const PRECISION_NAMES = ['f32', 'f16', 'q8_0'] as const satisfies GgufPrecision[];

/** The type a tensor has at a precision: vectors stay F32, and rows that are no whole number of blocks become F16. */
export function tensorType(shape: readonly number[], precision: GgufPrecision): GgmlType {
  if (shape.length < 2) return 'F32';
  const type = GGUF_PRECISIONS[precision];
  return (shape.at(-1) ?? 0) % GGML_TYPES[type].block === 0 ? type : 'F16';
}

function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Each value of a block as the nearest of 255 multiples of the largest magnitude / 127, halves away from zero. */
function encodeQ8(values: Float32Array): Uint8Array {
  const blocks = values.length / QUANTS;
  const scales = new Float32Array(blocks);
  const bytes = new Uint8Array(blocks * Q8_0_BYTES);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    let largest = 0;
    for (let i = 0; i < QUANTS; i++) largest = Math.max(largest, Math.abs(values[block * QUANTS + i] as number));
    scales[block] = largest / 127;
    // The reciprocal of the scale in single precision, as llama.cpp has it, not of the scale as it is stored.
    const inverse = scales[block] === 0 ? 0 : Math.fround(1 / (scales[block] as number));
    for (let i = 0; i < QUANTS; i++) {
      const scaled = Math.fround((values[block * QUANTS + i] as number) * inverse);
      view.setInt8(block * Q8_0_BYTES + 2 + i, Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5));
    }
  }
  f32ToF16(scales).forEach((scale, block) => {
    view.setUint16(block * Q8_0_BYTES, scale, true);
  });
  return bytes;
}
