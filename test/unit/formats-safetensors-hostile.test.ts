import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { InputError } from '../../src/common/errors.js';
import { openCheckpoint, readTensor, tensorEntry } from '../../src/formats/safetensors.js';
import { writeSafetensors } from '../../src/formats/safetensors-write.js';
import { temporaryFolder } from '../support/model-folder.js';
import { saying } from '../support/errors.js';

/** A safetensors file by hand: any header text, any data. */
function fileOf(header: unknown, data: Uint8Array = new Uint8Array()): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

async function openBytes(dir: string, bytes: Uint8Array) {
  await writeFile(join(dir, 'model.safetensors'), bytes);
  return openCheckpoint(dir);
}

const f32 = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

describe('a damaged or hostile safetensors file is refused', () => {
  const data = new Uint8Array(16);
  const cases: { what: string; bytes: Uint8Array; says: RegExp[] }[] = [
    { what: 'an empty file', bytes: new Uint8Array(), says: [/only 0 bytes/, /truncated/] },
    { what: 'a header longer than the file', bytes: fileOf('{"a": 1}').subarray(0, 12), says: [/truncated/] },
    {
      what: 'a header length beyond the cap',
      bytes: Buffer.from([255, 255, 255, 255, 255, 255, 255, 255]),
      says: [/18446744073709551615 bytes; at most 100000000/],
    },
    { what: 'a header that is no object', bytes: fileOf('[1]'), says: [/does not start with "\{"/] },
    { what: 'broken JSON', bytes: fileOf('{"a":'), says: [/header/, /not valid JSON/] },
    { what: 'bytes that are not UTF-8', bytes: fileOf('{"a":1}').fill(0xff, 9, 10), says: [/not valid UTF-8/] },
    { what: 'an entry that is no object', bytes: fileOf({ a: 7 }), says: [/tensor "a"/, /not an object/] },
    {
      what: 'an unsupported dtype',
      bytes: fileOf({ q: { dtype: 'F8_E4M3', shape: [1], data_offsets: [0, 1] } }, new Uint8Array(1)),
      says: [/tensor "q"/, /dtype "F8_E4M3"/, /supported: F32, F16, BF16/],
    },
    {
      what: 'a dtype that is a property of every object',
      bytes: fileOf({ q: { dtype: 'toString', shape: [1], data_offsets: [0, 4] } }, new Uint8Array(4)),
      says: [/dtype "toString"/],
    },
    { what: 'a negative size', bytes: fileOf({ a: f32([-1], 0, 4) }, data), says: [/shape \[-1\]/] },
    { what: 'a fractional size', bytes: fileOf({ a: f32([0.5], 0, 2) }, data), says: [/shape \[0.5\]/] },
    { what: 'nine dimensions', bytes: fileOf({ a: f32([1, 1, 1, 1, 1, 1, 1, 1, 1], 0, 4) }, data), says: [/up to 8/] },
    {
      what: 'a product beyond what can be counted',
      bytes: fileOf({ a: f32([2 ** 40, 2 ** 40], 0, 16) }, data),
      says: [/countable product/],
    },
    {
      what: 'a zero that hides an overflow',
      bytes: fileOf({ a: f32([2 ** 40, 2 ** 40, 0], 0, 0) }),
      says: [/countable product/],
    },
    {
      what: 'offsets that are not numbers',
      bytes: fileOf({ a: { ...f32([1], 0, 4), data_offsets: '04' } }),
      says: [/"04"/],
    },
    {
      what: 'one offset',
      bytes: fileOf({ a: { ...f32([1], 0, 4), data_offsets: [0] } }),
      says: [/data_offsets \[0\]/],
    },
    { what: 'offsets in reverse', bytes: fileOf({ a: f32([1], 4, 0) }, data), says: [/needs 4 bytes.*hold -4/] },
    {
      what: 'offsets at odds with the shape',
      bytes: fileOf({ a: f32([3], 0, 16) }, data),
      says: [/needs 12 bytes/, /hold 16/],
    },
    {
      what: 'a tensor behind the end',
      bytes: fileOf({ a: f32([4], 0, 16) }, data.subarray(1)),
      says: [/tensor "a"/, /truncated/],
    },
    {
      what: 'overlapping tensors',
      bytes: fileOf({ a: f32([3], 0, 12), b: f32([2], 8, 16) }, data),
      says: [/tensor "b"/, /overlaps/],
    },
    {
      what: 'two tensors in one place',
      bytes: fileOf({ a: f32([4], 0, 16), b: f32([4], 0, 16) }, data),
      says: [/overlaps/],
    },
    { what: 'a hole', bytes: fileOf({ a: f32([1], 0, 4), b: f32([2], 8, 16) }, data), says: [/leaves 4 unused bytes/] },
    {
      what: 'bytes behind the last tensor',
      bytes: fileOf({ a: f32([3], 0, 12) }, data),
      says: [/4 bytes that belong to no/],
    },
    {
      what: 'the same name twice',
      bytes: fileOf(`{"a":${JSON.stringify(f32([4], 0, 16))},"a":${JSON.stringify(f32([4], 0, 16))}}`, data),
      says: [/key "a" twice/],
    },
    {
      what: 'the same name twice, once escaped',
      bytes: fileOf(`{"a":${JSON.stringify(f32([4], 0, 16))},"\\u0061":${JSON.stringify(f32([4], 0, 16))}}`, data),
      says: [/key "a" twice/],
    },
    {
      what: 'the same field twice',
      bytes: fileOf('{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16],"dtype":"F32"}}', data),
      says: [/key "dtype" twice/],
    },
    { what: 'deep nesting', bytes: fileOf(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`), says: [/deeper than 64/] },
    { what: 'an empty name', bytes: fileOf({ '': f32([4], 0, 16) }, data), says: [/empty tensor name/] },
    { what: 'an endless name', bytes: fileOf({ ['n'.repeat(513)]: f32([4], 0, 16) }, data), says: [/513 characters/] },
    {
      what: 'a name that would recolour the terminal, shown escaped',
      bytes: fileOf({ 'w\u001b[31m': f32([4], 0, 16) }, data),
      says: [/control or invisible/, /"w\\u001b\[31m"/],
    },
    {
      what: 'a name with invisible characters, shown escaped',
      bytes: fileOf({ 'w\u202e\u200b': f32([4], 0, 16) }, data),
      says: [/control or invisible/, /w\\u202e\\u200b/],
    },
    {
      what: 'metadata that is not text',
      bytes: fileOf({ __metadata__: { a: 1 } }),
      says: [/__metadata__ must map strings/],
    },
  ];
  for (const { what, bytes, says } of cases) {
    it(what, async (t) => {
      const dir = await temporaryFolder(t);
      await assert.rejects(openBytes(dir, bytes), saying(/model\.safetensors/, ...says));
    });
  }

  it('but letters of any script are a name, shown escaped in messages', async (t) => {
    const dir = await temporaryFolder(t);
    const checkpoint = await openBytes(dir, fileOf({ 'poids.é層': f32([4], 0, 16) }, data));
    assert.equal(tensorEntry(checkpoint, 'poids.é層').byteLength, 16);
    assert.throws(() => tensorEntry(checkpoint, 'poids.層'), saying(/no tensor "poids.\\u5c64"/));
  });

  it('after any change of bytes it opens within its bounds or is refused with an InputError', async (t) => {
    const dir = await temporaryFolder(t);
    const values = Float32Array.of(1, 2, 3, 4, 5, 6);
    await writeSafetensors(join(dir, 'good'), [
      { name: 'a', dtype: 'F32', shape: [2, 3], data: () => values },
      { name: 'b', dtype: 'BF16', shape: [3], data: () => values.subarray(0, 3) },
    ]);
    const good = await readFile(join(dir, 'good'));
    const edit = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 4 }), fc.nat(good.length), async (edits, cut) => {
        const bytes = Buffer.from(good);
        for (const { at, byte } of edits) bytes[at] = byte;
        await checkOpensOrRefuses(dir, bytes.subarray(0, cut % 3 === 0 ? cut : good.length));
      }),
      { numRuns: 300 },
    );
  });

  it('and so for any JSON in the place of a header', async (t) => {
    const dir = await temporaryFolder(t);
    const hostileEntry = fc.record(
      {
        dtype: fc.oneof(fc.constantFrom('F32', 'F16', 'I64'), fc.anything()),
        shape: fc.oneof(fc.array(fc.oneof(fc.nat(4), fc.double(), fc.maxSafeInteger())), fc.jsonValue()),
        data_offsets: fc.oneof(fc.array(fc.oneof(fc.nat(64), fc.double(), fc.maxSafeInteger())), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const header = fc.oneof(fc.dictionary(fc.string(), hostileEntry), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(header, fc.uint8Array({ maxLength: 64 }), async (json, rest) => {
        const text = JSON.stringify(json, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
        await checkOpensOrRefuses(dir, fileOf(text, rest));
      }),
      { numRuns: 300 },
    );
  });

  async function checkOpensOrRefuses(dir: string, bytes: Uint8Array): Promise<void> {
    const checkpoint = await openBytes(dir, bytes).catch((error: unknown) => {
      assert.ok(error instanceof InputError, String(error));
      return undefined;
    });
    for (const entry of checkpoint?.entries.values() ?? []) {
      assert.ok(entry.offset >= 8 && entry.offset + entry.byteLength <= bytes.length);
      assert.equal((await readTensor(entry)).length * (entry.dtype === 'F32' ? 4 : 2), entry.byteLength);
    }
  }

  it('a file cut after it was opened gives an error that names the tensor', async (t) => {
    const dir = await temporaryFolder(t);
    const entry = tensorEntry(await openBytes(dir, fileOf({ a: f32([4], 0, 16) }, data)), 'a');
    await writeFile(join(dir, 'model.safetensors'), 'short');
    await assert.rejects(readTensor(entry), saying(/tensor "a"/, /truncated/));
  });
});
