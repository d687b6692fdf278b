import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { f16ToF32 } from '../../src/common/half.js';
import { Random } from '../../src/common/random.js';
import { GGML_TYPES, tensorType } from '../../src/formats/gguf-tensor.js';

/** What a reader makes of a block: the scale in half precision times each signed byte. */
function decodeQ8(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: (bytes.length / 34) * 32 }, (_, i) => {
    const at = Math.floor(i / 32) * 34;
    const [scale = NaN] = f16ToF32(Uint16Array.of(view.getUint16(at, true)));
    return scale * view.getInt8(at + 2 + (i % 32));
  });
}

describe('tensors of a GGUF', () => {
  it('as Q8_0 lose at most half a step of the 127 up to the largest of their block', () => {
    const random = Random.of(1, 'q8');
    const values = Float32Array.from({ length: 320 }, (_, i) => random.normal() * 10 ** Math.floor(i / 32 - 5));
    const bytes = GGML_TYPES.Q8_0.encode(values);
    assert.equal(bytes.length, 340);
    const decoded = decodeQ8(bytes);
    for (let block = 0; block < 10; block++) {
      const of = values.subarray(block * 32, block * 32 + 32);
      const largest = Math.max(...of.map(Math.abs));
      // Half precision keeps the scale itself to 2^-11, or to 2^-25 where it is subnormal.
      const tolerance = largest / 127 / 2 + 127 * Math.max((largest / 127) * 2 ** -11, 2 ** -25) + 1e-12;
      of.forEach((value, i) => {
        assert.ok(Math.abs((decoded[block * 32 + i] ?? NaN) - value) <= tolerance, `${value} in block ${block}`);
      });
    }
  });

  it('as Q8_0 are zero where all of a block is, and keep whole multiples of the scale', () => {
    assert.deepEqual(decodeQ8(GGML_TYPES.Q8_0.encode(new Float32Array(32))), Array<number>(32).fill(0));
    const exact = Float32Array.from({ length: 32 }, (_, i) => 127 - i * 8);
    assert.deepEqual(decodeQ8(GGML_TYPES.Q8_0.encode(exact)), [...exact]);
  });

  it('are F32 where they are vectors, and F16 where a row is no whole number of blocks', () => {
    assert.equal(tensorType([64], 'q8_0'), 'F32');
    assert.equal(tensorType([64, 172], 'q8_0'), 'F16');
    assert.equal(tensorType([172, 64], 'q8_0'), 'Q8_0');
    assert.equal(tensorType([64, 172], 'f32'), 'F32');
  });
});
