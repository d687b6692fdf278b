// Runs out of space in the run directory given (on a tiny file system) and checks what is left: `full-disk.ts DIR`.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeBytes, writeDirectory } from '../../src/run/artifacts.js';
import { StorageError } from '../../src/run/disk.js';
import { createRun, readRunState } from '../../src/run/run.js';

const dir = join(process.argv[2] ?? '', 'run');
const isFull = (error: unknown): boolean => error instanceof StorageError && error.message.includes('disk is full');
const large = Buffer.alloc(1 << 20);

const run = await createRun(dir, {});
await writeBytes(run.path('library/whole.bin'), large.subarray(0, 1000));
await assert.rejects(writeBytes(run.path('library/large.bin'), large), isFull);
const fill = writeDirectory(run.path('child'), (directory) => {
  writeFileSync(join(directory, 'config.json'), '{}');
  writeFileSync(join(directory, 'model.safetensors'), large);
});
await assert.rejects(fill, isFull);
assert.deepEqual(readdirSync(join(dir, 'library')), ['whole.bin']);
assert.equal(readFileSync(join(dir, 'library/whole.bin')).length, 1000);
assert.deepEqual(
  readdirSync(dir).filter((name) => name.includes('child') || name.startsWith('.tmp-')),
  [],
);

// The log as well: it fills what room is left, then says so.
assert.throws(() => {
  for (let i = 0; i < 1000; i++) run.append({ type: 'log', level: 'info', message: 'x'.repeat(1000) });
}, isFull);
await run.close();
assert.equal((await readRunState(dir)).state, 'failed');
