import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { nodeProgram } from '../../src/extension/node-program.js';

const KIB = 1024;
/** What each bundle may grow to: a dependency that gets in by mistake shows here. */
const BUDGETS = {
  // What activation loads: commands, their table, and a view.
  'extension.cjs': 32 * KIB,
  'extension-start.cjs': 800 * KIB,
  'webview.js': 512 * KIB,
  'webview.css': 80 * KIB,
  'puzzle.js': 256 * KIB,
  'questions.js': 256 * KIB,
};

describe('the bundles', () => {
  for (const [name, budget] of Object.entries(BUDGETS)) {
    it(`keep to their budget: ${name}`, () => {
      const { size } = statSync(`dist/${name}`);
      assert.ok(size > 0 && size <= budget, `${size} bytes of ${budget}`);
    });
  }
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
