import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { nodeProgram } from '../../src/extension/node-program.js';

/** What activation loads: commands, their table, and a view. */
const MAX_ACTIVATION_BYTES = 32 * 1024;

describe('what activation loads', () => {
  it('is little: all else is a file of its own', () => {
    assert.ok(statSync('dist/extension.cjs').size < MAX_ACTIVATION_BYTES);
    assert.ok(existsSync('dist/extension-start.cjs'));
  });
});

describe('a program run by the editor', () => {
  it('is run by its Node, as Node, without what is meant for the extension host alone', (test) => {
    const before = process.env;
    test.after(() => (process.env = before));
    process.env = { ...before, VSCODE_PID: '1', NODE_OPTIONS: '--inspect' };
    const { command, args, env } = nodeProgram('/dist/puzzle.js', 'status', '/run');
    assert.equal(command, process.execPath);
    assert.deepEqual(args, ['/dist/puzzle.js', 'status', '/run']);
    assert.equal(env['ELECTRON_RUN_AS_NODE'], '1');
    assert.equal(env['PATH'], process.env['PATH']);
    assert.deepEqual([env['VSCODE_PID'], env['NODE_OPTIONS']], [undefined, undefined]);
  });
});
