import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { removeTemporaries, writeArtifact, writeBytes, writeDirectory, writeJson } from '../../src/run/artifacts.js';
import { type Disk, StorageError, realDisk } from '../../src/run/disk.js';
import { canonicalJson, fileHash, taskKey } from '../../src/run/task-key.js';
import { temporaryDirectory } from '../support/run-process.js';

/** A disk that takes a few bytes more. */
function almostFull(room: number): Disk {
  return {
    ...realDisk,
    write: (descriptor, bytes) => {
      if (room === 0) throw Object.assign(new Error('write'), { code: 'ENOSPC' });
      const written = realDisk.write(descriptor, bytes.subarray(0, room));
      room -= written;
      return written;
    },
  };
}

describe('writing an artifact', () => {
  it('puts bytes, JSON and directories in place, making parents', async (t) => {
    const dir = await temporaryDirectory(t);
    await writeBytes(join(dir, 'a/b/bytes'), Uint8Array.of(1, 2, 3));
    await writeJson(join(dir, 'a/value.json'), { b: 1, a: [undefined, 2].slice(1) });
    await writeDirectory(join(dir, 'child'), async (inside) => {
      await mkdir(join(inside, 'deep'));
      await writeFile(join(inside, 'deep/file'), 'x');
    });
    assert.deepEqual([...(await readFile(join(dir, 'a/b/bytes')))], [1, 2, 3]);
    assert.equal(await readFile(join(dir, 'a/value.json'), 'utf8'), '{\n  "a": [\n    2\n  ],\n  "b": 1\n}\n');
    assert.equal(await readFile(join(dir, 'child/deep/file'), 'utf8'), 'x');
    assert.deepEqual((await readdir(dir)).sort(), ['a', 'child']);
  });

  it('replaces an earlier file, and an earlier directory as a whole', async (t) => {
    const dir = await temporaryDirectory(t);
    for (const name of ['one', 'two']) {
      await writeBytes(join(dir, 'file'), name);
      await writeDirectory(join(dir, 'child'), (inside) => writeFile(join(inside, name), name));
    }
    assert.equal(await readFile(join(dir, 'file'), 'utf8'), 'two');
    assert.deepEqual(await readdir(join(dir, 'child')), ['two']);
    assert.deepEqual((await readdir(dir)).sort(), ['child', 'file']);
  });

  it('shows nothing under the final name while it is being written, and keeps its extension', async (t) => {
    const dir = await temporaryDirectory(t);
    await writeArtifact(join(dir, 'w.safetensors'), async (temporary) => {
      await writeFile(temporary, 'half');
      assert.match(temporary, /w\.safetensors$/);
      assert.equal((await readdir(dir)).includes('w.safetensors'), false);
      await writeFile(temporary, 'whole');
    });
    assert.equal(await readFile(join(dir, 'w.safetensors'), 'utf8'), 'whole');
  });

  it('that fails leaves the earlier one as it was and nothing else', async (t) => {
    const dir = await temporaryDirectory(t);
    await writeBytes(join(dir, 'file'), 'before');
    const fails = writeArtifact(join(dir, 'file'), async (temporary) => {
      await writeFile(temporary, 'half');
      throw new Error('diverged');
    });
    await assert.rejects(fails, /diverged/);
    assert.deepEqual(await readdir(dir), ['file']);
    assert.equal(await readFile(join(dir, 'file'), 'utf8'), 'before');
  });

  it('that writes nothing at all is an error', async (t) => {
    const dir = await temporaryDirectory(t);
    await assert.rejects(
      writeArtifact(join(dir, 'file'), () => undefined),
      /ENOENT/,
    );
  });

  it('on a full disk names the file, says what to do, and leaves nothing', async (t) => {
    const dir = await temporaryDirectory(t);
    const path = join(dir, 'large.bin');
    await assert.rejects(writeBytes(path, Buffer.alloc(1000), almostFull(100)), (error) => {
      return error instanceof StorageError && error.message.includes(path) && /free some space/.test(error.message);
    });
    assert.deepEqual(await readdir(dir), []);
  });

  it('left unfinished is removed by the next holder of the run, which follows no links', async (t) => {
    const dir = await temporaryDirectory(t);
    const outside = await temporaryDirectory(t);
    await writeFile(join(outside, '.tmp-0123456789ab-x'), 'not ours');
    await symlink(outside, join(dir, 'link'));
    await mkdir(join(dir, 'a/.tmp-0123456789ab-child/deep'), { recursive: true });
    await writeFile(join(dir, 'a/.tmp-ba9876543210-w.bin'), '');
    await writeFile(join(dir, 'a/.tmp-mine'), '');
    await removeTemporaries(dir);
    assert.deepEqual(await readdir(join(dir, 'a')), ['.tmp-mine']);
    assert.equal((await readdir(outside)).length, 1);
  });
});

describe('a task key', () => {
  const json = fc.jsonValue({ maxDepth: 3 });

  it('does not depend on the order in which members were given', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), (members) => {
        const backwards = Object.fromEntries(Object.entries(members).reverse());
        assert.equal(taskKey('k', backwards), taskKey('k', members));
      }),
    );
  });

  it('differs when an input or the kind differs', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const same = canonicalJson(a) === canonicalJson(b);
        assert.equal(taskKey('k', a) === taskKey('k', b), same);
        assert.notEqual(taskKey('k', a), taskKey('l', a));
      }),
    );
  });

  it('is the same on every machine and in every release', () => {
    assert.equal(taskKey('distil', { layer: 3, variant: 'ffn-50%', rate: 1e-3 }), '7e54bef94636178ef10c346ac06127ba');
  });

  it('refuses what JSON would change silently', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    for (const value of [NaN, Infinity, 1n, new Float32Array(1), new Map(), () => 0, cycle, [undefined]]) {
      assert.throws(() => taskKey('k', { value }), TypeError);
    }
  });

  it('can hold the hash of a file', async (t) => {
    const path = join(await temporaryDirectory(t), 'abc');
    await writeFile(path, 'abc');
    assert.equal(await fileHash(path), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
