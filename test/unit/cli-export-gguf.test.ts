import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { puzzle, puzzleJson } from '../support/cli.js';
import { EXAMPLE_VOCABULARY, temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { randomWeights, tinyConfig } from '../support/tiny-model.js';

describe('puzzle export --format gguf', { concurrency: 2 }, () => {
  it('writes the model of a folder as one file, named after it and the precision, and never over another', async (test) => {
    const folder = await temporaryFolder(test);
    const model = join(folder, 'tiny');
    const config = tinyConfig({ vocabSize: EXAMPLE_VOCABULARY, hiddenSize: 32 });
    await mkdir(model);
    await writeModelFolder(model, config, randomWeights(config));
    const sizes = new Map<string, number>();
    for (const precision of ['f32', 'f16', 'q8_0']) {
      const out = join(folder, 'files');
      const args = ['export', model, '--format', 'gguf', '--precision', precision, '--out', out];
      const { status, answer } = await puzzleJson(...args);
      assert.equal(status, 0, JSON.stringify(answer));
      const { out: file, bytes } = answer as { out: string; bytes: number };
      assert.equal(file, join(out, `tiny-${precision}.gguf`));
      const written = await readFile(file);
      assert.equal(written.length, bytes);
      assert.equal(written.toString('latin1', 0, 4), 'GGUF');
      sizes.set(precision, bytes);
      const again = await puzzle(...args);
      assert.equal(again.status, 2);
      assert.match(again.stderr, /is there already/);
    }
    const [f32 = 0, f16 = 0, q8 = 0] = sizes.values();
    assert.ok(f32 > f16 && f16 > q8, `${f32}, ${f16}, ${q8} bytes`);
  });

  it('says which layer cannot be written, and leaves nothing behind', async (test) => {
    const folder = await temporaryFolder(test);
    const config = tinyConfig({
      vocabSize: EXAMPLE_VOCABULARY,
      layers: [
        { attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'gated', width: 40 } },
        { attention: { kind: 'gqa', kvHeads: 1 }, ffn: { kind: 'no-op' } },
      ],
    });
    await writeModelFolder(folder, config, randomWeights(config));
    const out = join(folder, 'child.gguf');
    const { status, stderr } = await puzzle('export', folder, '--format', 'gguf', '--out', out);
    assert.equal(status, 2);
    assert.match(stderr, /layer 1: llama.cpp loses the attention of a layer that has no FFN/);
    await assert.rejects(readFile(out), { code: 'ENOENT' });
  });

  it('takes a precision for a GGUF alone', async () => {
    const { status, stderr } = await puzzle('export', '/no/such/run', '--precision', 'f16', '--out', '/tmp/x');
    assert.equal(status, 2);
    assert.match(stderr, /is for --format gguf alone/);
  });
});
