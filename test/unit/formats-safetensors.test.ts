import { describe, it, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { copyFile, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../src/common/half.js';
import { openCheckpoint, readTensor, tensorEntry, type Dtype } from '../../src/formats/safetensors.js';
import { writeSafetensors, type TensorToWrite } from '../../src/formats/safetensors-write.js';
import { temporaryFolder } from '../support/model-folder.js';
import { saying } from '../support/errors.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

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
