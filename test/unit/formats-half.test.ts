import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../src/common/half.js';

const ALL_PATTERNS = Uint16Array.from({ length: 0x10000 }, (_, i) => i);

/** The definition, in floating point arithmetic: nothing shared with the bit tricks. */
function valueOfPattern(pattern: number, exponentBits: number, mantissaBits: number): number {
  const sign = pattern & 0x8000 ? -1 : 1;
  const exponent = (pattern >>> mantissaBits) & (2 ** exponentBits - 1);
  const fraction = (pattern & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const FORMATS = [
  { name: 'F16', exponentBits: 5, mantissaBits: 10, widen: f16ToF32, narrow: f32ToF16 },
  { name: 'BF16', exponentBits: 8, mantissaBits: 7, widen: bf16ToF32, narrow: f32ToBf16 },
];

for (const { name, exponentBits, mantissaBits, widen, narrow } of FORMATS) {
  const valueOf = (pattern: number) => valueOfPattern(pattern, exponentBits, mantissaBits);
  const infinity = (2 ** exponentBits - 1) << mantissaBits;
  const narrowOne = (value: number) => narrow(Float32Array.of(value))[0] as number;

  describe(`${name} arrays`, () => {
    it('widen every one of the 65,536 patterns to its defined value', () => {
      const values = widen(ALL_PATTERNS);
      for (const pattern of ALL_PATTERNS) {
        assert.ok(Object.is(values[pattern], valueOf(pattern)), `pattern ${pattern.toString(16)}`);
      }
    });

    it('narrow back to the same pattern, NaN staying a quiet NaN of the same sign', () => {
      const back = narrow(widen(ALL_PATTERNS));
      for (const pattern of ALL_PATTERNS) {
        const isNan = (pattern & 0x7fff) > infinity;
        const expected = isNan ? pattern | (1 << (mantissaBits - 1)) : pattern;
        assert.equal(back[pattern], expected, `pattern ${pattern.toString(16)}`);
      }
    });

    it('round to nearest with ties to even, at and beside every half-way point', () => {
      const f32 = new Float32Array(1);
      const bits = new Uint32Array(f32.buffer);
      for (let low = 0; low < infinity; low++) {
        // Above the largest finite value stands, for rounding, what the next pattern would be were it not infinity.
        const next = low + 1 === infinity ? 2 ** (2 ** (exponentBits - 1)) : valueOf(low + 1);
        f32[0] = valueOf(low) / 2 + next / 2;
        assert.equal(narrowOne(f32[0]), low % 2 === 0 ? low : low + 1, `tie above ${low.toString(16)}`);
        const tie = bits[0] as number;
        bits[0] = tie - 1;
        assert.equal(narrowOne(f32[0]), low, `below the tie above ${low.toString(16)}`);
        bits[0] = tie + 1;
        assert.equal(narrowOne(f32[0]), low + 1, `above the tie above ${low.toString(16)}`);
        assert.equal(narrowOne(-f32[0]), (low + 1) | 0x8000);
      }
    });

    it('give the nearest value for any number, or infinity beyond the range', () => {
      fc.assert(
        fc.property(fc.float({ noNaN: true }), (value) => {
          const pattern = narrowOne(value);
          const error = (candidate: number) => Math.abs(valueOf(candidate) - value);
          const magnitude = pattern & 0x7fff;
          if (magnitude === infinity || value === 0) return;
          assert.ok(error(pattern) <= error(pattern + 1));
          if (magnitude > 0) assert.ok(error(pattern) <= error(pattern - 1));
        }),
        { numRuns: 2000 },
      );
    });

    it('write into a given array, also part of a larger one, and refuse another length', () => {
      const target = new Float32Array(4);
      widen(narrow(Float32Array.of(1.5, -2)), target.subarray(1, 3));
      assert.deepEqual([...target], [0, 1.5, -2, 0]);
      assert.throws(() => widen(new Uint16Array(2), new Float32Array(3)), RangeError);
      assert.throws(() => narrow(new Float32Array(2), new Uint16Array(1)), RangeError);
    });
  });
}

it('an F32 NaN whose payload lies in the dropped bits stays NaN', () => {
  const values = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001).buffer);
  assert.deepEqual([...f32ToF16(values)], [0x7e00, 0xfe00]);
  assert.deepEqual([...f32ToBf16(values)], [0x7fc0, 0xffc0]);
});
