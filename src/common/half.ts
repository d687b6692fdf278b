/**
 * IEEE 754 half precision (F16) and bfloat16 (BF16) as they lie on disk: arrays of 16-bit patterns. Narrowing rounds to
 * nearest, ties to even; infinities, signed zeros, subnormals and NaN (kept quiet, sign kept) survive both ways; a
 * finite value beyond the narrow format's range becomes infinity.
 *
 * Everything is done on bit patterns: reading a NaN as a JavaScript number may change its bits.
 */

const F32_INFINITY = 0x7f800000;
/** Smallest magnitude that rounds up to F16 infinity: 65520, half-way between 65504 and 65536. */
const F16_OVERFLOW = 0x477ff000;
/** 2^-14, the smallest normal F16. */
const F16_SMALLEST_NORMAL = 0x38800000;
/** 2^-25, half of the smallest F16 subnormal: itself a tie, which goes to zero, the even neighbour. */
const F16_UNDERFLOW = 0x33000000;
/** Difference of the exponent biases, 127 - 15, in the place of an F32 exponent. */
const F16_BIAS_SHIFT = (127 - 15) << 23;

let widened: Uint32Array | undefined;

/** The F32 pattern of every F16 pattern (256 KiB, built at first use). */
function f16Table(): Uint32Array {
  if (widened !== undefined) return widened;
  const table = new Uint32Array(0x10000);
  for (let half = 0; half < table.length; half++) table[half] = widenF16(half);
  widened = table;
  return table;
}

function widenF16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) {
    const quiet = mantissa === 0 ? 0 : 0x400000;
    return (sign | F32_INFINITY | quiet | (mantissa << 13)) >>> 0;
  }
  if (exponent !== 0) return (sign | (((exponent << 23) | (mantissa << 13)) + F16_BIAS_SHIFT)) >>> 0;
  if (mantissa === 0) return sign >>> 0;
  // A subnormal is mantissa * 2^-24; moving its leading one to bit 10 makes it a normal F32.
  const shift = Math.clz32(mantissa) - 21;
  return (sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13)) >>> 0;
}

function narrowF16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= F16_OVERFLOW) {
    if (magnitude <= F32_INFINITY) return sign | 0x7c00;
    return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  }
  if (magnitude >= F16_SMALLEST_NORMAL) {
    // Adding just under half a unit, or half when the kept part is odd, makes truncation round to nearest even.
    return sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - F16_BIAS_SHIFT) >>> 13);
  }
  if (magnitude <= F16_UNDERFLOW) return sign;
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const kept = mantissa >>> shift;
  const dropped = mantissa & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return sign | (dropped > tie || (dropped === tie && (kept & 1) === 1) ? kept + 1 : kept);
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

function requireSameLength(source: ArrayLike<number>, target: ArrayLike<number>): void {
  if (target.length !== source.length) throw new RangeError(`${source.length} values into ${target.length} places`);
}

/** F16 patterns to F32, exactly. Writes into `target` (same length) when given, and returns it. */
export function f16ToF32(source: Uint16Array, target = new Float32Array(source.length)): Float32Array {
  requireSameLength(source, target);
  const table = f16Table();
  const out = bitsOf(target);
  for (let i = 0; i < source.length; i++) out[i] = table[source[i] as number] as number;
  return target;
}

/** F32 to F16 patterns, to nearest even. Writes into `target` (same length) when given, and returns it. */
export function f32ToF16(source: Float32Array, target = new Uint16Array(source.length)): Uint16Array {
  requireSameLength(source, target);
  const bits = bitsOf(source);
  for (let i = 0; i < bits.length; i++) target[i] = narrowF16(bits[i] as number);
  return target;
}

/** BF16 patterns to F32, exactly. Writes into `target` (same length) when given, and returns it. */
export function bf16ToF32(source: Uint16Array, target = new Float32Array(source.length)): Float32Array {
  requireSameLength(source, target);
  const out = bitsOf(target);
  for (let i = 0; i < source.length; i++) out[i] = (source[i] as number) << 16;
  return target;
}

/** F32 to BF16 patterns, to nearest even. Writes into `target` (same length) when given, and returns it. */
export function f32ToBf16(source: Float32Array, target = new Uint16Array(source.length)): Uint16Array {
  requireSameLength(source, target);
  const bits = bitsOf(source);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i] as number;
    const isNan = (word & 0x7fffffff) > F32_INFINITY;
    target[i] = isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return target;
}
