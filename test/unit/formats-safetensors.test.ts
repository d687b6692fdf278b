import { describe, it, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../src/common/half.js';
import { InputError } from '../../src/common/errors.js';
import { openCheckpoint, readTensor, tensorEntry, type Dtype } from '../../src/formats/safetensors.js';
import { writeSafetensors, type TensorToWrite } from '../../src/formats/safetensors-write.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

async function temporaryFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'puzzle-formats-'));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

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

/** An InputError whose message matches every pattern. */
function saying(...patterns: RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof InputError, `an InputError, not ${String(error)}`);
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  };
}

const f32 = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

const ROUND: Record<Dtype, (values: Float32Array) => Float32Array> = {
  F32: (values) => values,
  F16: (values) => f16ToF32(f32ToF16(values)),
  BF16: (values) => bf16ToF32(f32ToBf16(values)),
};

const tensorName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((name) => !/[\p{C}\p{Zl}\p{Zp}]/u.test(name) && name !== '__metadata__');

const anyTensor = fc
  .record({
    name: fc.oneof(tensorName, fc.constantFrom('__proto__', 'constructor', '7', 'model.norm.weight')),
    dtype: fc.constantFrom<Dtype>('F32', 'F16', 'BF16'),
    shape: fc.array(fc.nat(5), { maxLength: 4 }),
  })
  .chain(({ name, dtype, shape }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return fc
      .array(fc.float({ noNaN: true }), { minLength: count, maxLength: count })
      .map((values) => ({ name, dtype, shape, values: Float32Array.from(values) }));
  });

const anyTensors = fc.uniqueArray(anyTensor, { selector: ({ name }) => name, maxLength: 8 });

function toWrite(tensors: readonly { name: string; dtype: Dtype; shape: number[]; values: Float32Array }[]) {
  return tensors.map(({ values, ...rest }): TensorToWrite => ({ ...rest, data: () => values }));
}

describe('writing and reading safetensors', () => {
  it('gives back every tensor, rounded to its dtype, whatever the names, shapes and dtypes', async (t) => {
    const dir = await temporaryFolder(t);
    await fc.assert(
      fc.asyncProperty(anyTensors, async (tensors) => {
        await writeSafetensors(join(dir, 'model.safetensors'), toWrite(tensors), { format: 'pt' });
        const checkpoint = await openCheckpoint(dir);
        assert.deepEqual([...checkpoint.entries.keys()].sort(), tensors.map(({ name }) => name).sort());
        for (const { name, dtype, shape, values } of tensors) {
          const entry = tensorEntry(checkpoint, name);
          assert.deepEqual({ dtype: entry.dtype, shape: entry.shape }, { dtype, shape });
          assert.deepEqual(await readTensor(entry), ROUND[dtype](values));
          assert.equal(entry.offset % (dtype === 'F32' ? 4 : 2), 0, 'aligned to its elements');
        }
      }),
      { numRuns: 60 },
    );
  });

  it('writes bytes that do not depend on the order of tensors or metadata', async (t) => {
    const dir = await temporaryFolder(t);
    await fc.assert(
      fc.asyncProperty(anyTensors, async (tensors) => {
        await writeSafetensors(join(dir, 'a'), toWrite(tensors), { x: '1', y: '2' });
        await writeSafetensors(join(dir, 'b'), toWrite([...tensors].reverse()), { y: '2', x: '1' });
        assert.deepEqual(await readFile(join(dir, 'a')), await readFile(join(dir, 'b')));
      }),
      { numRuns: 30 },
    );
  });

  it('starts the data at a multiple of 8', async (t) => {
    const dir = await temporaryFolder(t);
    for (const name of ['a', 'ab', 'abc', 'abcd', 'abcde']) {
      await writeSafetensors(join(dir, 'x'), [{ name, dtype: 'BF16', shape: [1], data: () => Float32Array.of(1) }]);
      const bytes = await readFile(join(dir, 'x'));
      assert.equal(bytes.readBigUInt64LE() % 8n, 0n);
      assert.deepEqual([...bytes.subarray(-2)], [0x80, 0x3f]);
    }
  });

  it('holds one tensor at a time: the next is asked for when the one before is written', async (t) => {
    const dir = await temporaryFolder(t);
    const sizes: number[] = [];
    const path = join(dir, 'model.safetensors');
    const tensor = (name: string): TensorToWrite => ({
      name,
      dtype: 'F32',
      shape: [1000],
      data: async () => {
        sizes.push((await readFile(`${path}.tmp`)).length);
        return new Float32Array(1000);
      },
    });
    await writeSafetensors(path, ['a', 'b', 'c'].map(tensor));
    assert.deepEqual(
      sizes.map((size) => size - (sizes[0] ?? 0)),
      [0, 4000, 8000],
    );
  });

  it('spans several chunks when a tensor is larger than one', async (t) => {
    const dir = await temporaryFolder(t);
    const values = Float32Array.from({ length: 9_000_001 }, (_, i) => (i % 251) - 125);
    for (const dtype of ['BF16', 'F32'] as const) {
      await writeSafetensors(join(dir, 'model.safetensors'), [
        { name: 'big', dtype, shape: [values.length], data: () => values },
      ]);
      const read = await readTensor(tensorEntry(await openCheckpoint(dir), 'big'));
      assert.ok(Buffer.from(read.buffer).equals(Buffer.from(values.buffer)), dtype);
    }
  });

  it('reads tensors at odd offsets', async (t) => {
    const dir = await temporaryFolder(t);
    const values = Float32Array.of(1, -2.5, 3e-5);
    const header = '{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}} ';
    for (const padding of ['', ' ', '  ', '   ']) {
      const checkpoint = await openBytes(dir, fileOf(header + padding, new Uint8Array(values.buffer)));
      assert.deepEqual(await readTensor(tensorEntry(checkpoint, 'w')), values);
    }
  });

  it('leaves the earlier file whole and nothing else when a tensor fails', async (t) => {
    const dir = await temporaryFolder(t);
    const path = join(dir, 'model.safetensors');
    await writeFile(path, 'earlier');
    const good: TensorToWrite = { name: 'a', dtype: 'F32', shape: [2], data: () => new Float32Array(2) };
    const failing: TensorToWrite = { ...good, name: 'b', data: () => Promise.reject(new Error('lost')) };
    const wrongLength: TensorToWrite = { ...good, name: 'c', data: () => new Float32Array(3) };
    await assert.rejects(writeSafetensors(path, [good, failing]), /lost/);
    await assert.rejects(writeSafetensors(path, [good, wrongLength]), /tensor c: 3 values for shape \[2\]/);
    await assert.rejects(writeSafetensors(path, [good, good]), /two tensors named a/);
    await assert.rejects(writeSafetensors(path, [{ ...good, name: '__metadata__' }]), /reserved/);
    assert.equal(await readFile(path, 'utf8'), 'earlier');
    assert.deepEqual(await readdir(dir), ['model.safetensors']);
  });

  const full = existsSync('/dev/full') ? false : 'needs /dev/full';
  it('leaves nothing behind on a full disk', { skip: full }, async (t) => {
    const dir = await temporaryFolder(t);
    await symlink('/dev/full', join(dir, 'model.safetensors.tmp'));
    const tensor: TensorToWrite = { name: 'a', dtype: 'F32', shape: [1], data: () => new Float32Array(1) };
    await assert.rejects(writeSafetensors(join(dir, 'model.safetensors'), [tensor]), { code: 'ENOSPC' });
    assert.deepEqual(await readdir(dir), []);
  });
});

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

describe('a sharded checkpoint', () => {
  const tensor = (name: string, value: number): TensorToWrite => ({
    name,
    dtype: 'F32',
    shape: [1],
    data: () => Float32Array.of(value),
  });
  async function shards(t: TestContext, weightMap: unknown): Promise<string> {
    const dir = await temporaryFolder(t);
    await writeSafetensors(join(dir, 'one.safetensors'), [tensor('a', 1), tensor('b', 2)]);
    await writeSafetensors(join(dir, 'two.safetensors'), [tensor('c', 3)]);
    const index = typeof weightMap === 'string' ? weightMap : JSON.stringify({ metadata: {}, weight_map: weightMap });
    await writeFile(join(dir, 'model.safetensors.index.json'), index);
    return dir;
  }
  const GOOD = { a: 'one.safetensors', b: 'one.safetensors', c: 'two.safetensors' };

  it('is read through its index', async (t) => {
    const checkpoint = await openCheckpoint(await shards(t, GOOD));
    const values = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => [...(await readTensor(tensorEntry(checkpoint, name)))]),
    );
    assert.deepEqual(values, [[1], [2], [3]]);
  });

  const refused: { what: string; weightMap: unknown; says: RegExp[] }[] = [
    {
      what: 'that names a missing shard',
      weightMap: { ...GOOD, d: 'three.safetensors' },
      says: [/index\.json/, /1 of 3 shards.*not in the folder: three\.safetensors/, /fetch/],
    },
    {
      what: 'that puts a tensor in the wrong shard',
      weightMap: { ...GOOD, b: 'two.safetensors' },
      says: [/"b"/, /puts it in two/],
    },
    { what: 'that leaves a tensor out', weightMap: { a: GOOD.a, c: GOOD.c }, says: [/"b"/, /does not list it/] },
    {
      what: 'that lists a tensor no shard has',
      weightMap: { ...GOOD, d: GOOD.a },
      says: [/"d" in one\.safetensors, which lacks it/],
    },
    {
      what: 'that leads out of the folder',
      weightMap: { ...GOOD, a: '../one.safetensors' },
      says: [/"a"/, /same folder/],
    },
    { what: 'that names another kind of file', weightMap: { ...GOOD, a: 'one.bin' }, says: [/"one\.bin"/] },
    { what: 'that names no file', weightMap: { ...GOOD, a: 7 }, says: [/to 7/] },
    { what: 'without a map', weightMap: [], says: [/"weight_map" must be an object/] },
    { what: 'with an empty map', weightMap: {}, says: [/"weight_map" must be an object/] },
    { what: 'that is broken JSON', weightMap: '{', says: [/not valid JSON/] },
    {
      what: 'that maps a tensor twice',
      weightMap: '{"weight_map":{"a":"one.safetensors","a":"two.safetensors"}}',
      says: [/key "a" twice/],
    },
  ];
  for (const { what, weightMap, says } of refused) {
    it(`is refused with an index ${what}`, async (t) => {
      const dir = await shards(t, weightMap);
      await assert.rejects(openCheckpoint(dir), saying(...says));
    });
  }
});

describe('a folder without safetensors', () => {
  for (const name of ['pytorch_model.bin', 'consolidated.00.pth', 'model.pt', 'last.ckpt']) {
    it(`that holds ${name} is refused with the command that converts it`, async (t) => {
      const dir = await temporaryFolder(t);
      await writeFile(join(dir, name), 'pickle');
      const isRefused = saying(/pickled/, /python -c "[^"]+" '[^']+' '[^']+-safetensors'$/, new RegExp(name));
      await assert.rejects(openCheckpoint(dir), isRefused);
      await assert.rejects(openCheckpoint(join(dir, name)), isRefused);
    });
  }

  it('is told apart from a missing folder and from other weight files', async (t) => {
    const dir = await temporaryFolder(t);
    await assert.rejects(openCheckpoint(join(dir, 'nowhere')), saying(/nowhere: no such folder/));
    await assert.rejects(openCheckpoint(dir), saying(/has neither model\.safetensors nor/));
    await writeFile(join(dir, 'adapter.safetensors'), '');
    await assert.rejects(openCheckpoint(dir), saying(/"adapter\.safetensors" is not one of these/));
  });
});

describe('real checkpoints', { skip: skipWithoutShared() }, () => {
  it('stories260K has the tensors of five layers and 260,032 parameters', async () => {
    const checkpoint = await openCheckpoint(join(sharedDir() ?? '', 'models/stories260K'));
    const entries = [...checkpoint.entries.values()];
    assert.equal(entries.length, 5 * 9 + 2);
    assert.equal(
      entries.reduce((sum, { byteLength }) => sum + byteLength / 4, 0),
      260_032,
    );
    const norm = await readTensor(tensorEntry(checkpoint, 'model.norm.weight'));
    assert.equal(norm.length, 64);
    assert.ok(norm.every((value) => value > 0.1 && value < 100));
  });

  it('the index of a 70B model without its shards names what is missing', async (t) => {
    const dir = await temporaryFolder(t);
    const index = join(sharedDir() ?? '', 'configs/llama2-70B.model.safetensors.index.json');
    await copyFile(index, join(dir, 'model.safetensors.index.json'));
    await assert.rejects(openCheckpoint(dir), saying(/15 of 15 shards.*model-00001-of-00015\.safetensors/));
  });
});
