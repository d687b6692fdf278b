import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findLlamaCpp } from '../../src/target/llama-cpp/addon.js';
import { LlamaCpp } from '../../src/target/llama-cpp/client.js';
import { saying } from '../support/errors.js';
import { skipWithoutLlamaCpp } from '../support/llama-cpp.js';
import { temporaryFolder } from '../support/model-folder.js';

describe('the process of llama.cpp', { skip: skipWithoutLlamaCpp() }, () => {
  it('says what llama.cpp finds wrong with a file, and goes on', async (test) => {
    const file = join(await temporaryFolder(test), 'damaged.gguf');
    await writeFile(file, 'GGUF and then nothing of the kind');
    const llama = LlamaCpp.start();
    test.after(() => llama.end());
    const open = () => llama.ask('open', { file, sequences: 1, capacity: 8, threads: 1, exact: true });
    await assert.rejects(open, /could not load .*damaged\.gguf/);
    await assert.rejects(open, /could not load .*damaged\.gguf/);
    await assert.rejects(llama.ask('tokenize', { model: 3, text: '' }), /no model 3 is open/);
  });

  it('takes only itself along when it dies, with every question that waits', async () => {
    const llama = LlamaCpp.start();
    const questions = [1, 2].map((model) => llama.ask('close', { model }));
    await llama.end();
    for (const question of questions) await assert.rejects(question, /the process of llama\.cpp was killed by SIGKILL/);
    await assert.rejects(llama.ask('close', { model: 1 }), /was killed by SIGKILL/);
  });
});

describe('a machine without llama.cpp', () => {
  it('is told which package to install, or that there is none', () => {
    assert.throws(() => findLlamaCpp('sunos-sparc'), saying(/not to be had for sunos-sparc; it is for .*linux-x64/));
    const other = process.platform === 'win32' ? 'linux-arm64' : 'win32-arm64';
    assert.throws(() => findLlamaCpp(other), saying(/npm install --no-save @node-llama-cpp\/(linux|win)-arm64/));
  });
});
