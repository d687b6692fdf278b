import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { COMMANDS, type CommandEntry } from '../../src/extension/manifest/commands.js';
import { CONTEXT_KEYS } from '../../src/extension/manifest/context-keys.js';
import { packageFields } from '../../src/extension/manifest/package-fields.js';
import { RUNS_VIEW } from '../../src/extension/manifest/views.js';
import { VIEW_TYPES } from '../../src/extension/panel/view-types.js';

const { fields, texts } = packageFields();
const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
const all = JSON.stringify([fields, texts]);
const matches = (pattern: RegExp) => [...all.matchAll(pattern)].map(([, name]) => name ?? '');

describe('the manifest of the extension', () => {
  it('is what its tables say (npm run manifest)', () => {
    const manifest = read('package.json') as Record<string, unknown>;
    for (const [name, value] of Object.entries(fields)) assert.deepEqual(manifest[name], value, name);
    assert.deepEqual(read('package.nls.json'), texts);
  });

  it('has a text for every key, and a key for every text', () => {
    const used = new Set(
      JSON.stringify(fields)
        .match(/%[^%"]+%/g)
        ?.map((key) => key.slice(1, -1)),
    );
    assert.deepEqual([...used].sort(), Object.keys(texts).sort());
  });

  it('names only files that are there', () => {
    const files = matches(/"(?:\.\/)?(media\/[^"]+)"/g);
    assert.ok(files.length >= 7);
    for (const file of files) assert.ok(existsSync(file), file);
    const icon = readFileSync('media/icon.png');
    assert.ok(icon.readUInt32BE(16) >= 128 && icon.readUInt32BE(20) >= 128);
  });

  it('names only commands, views and context keys that there are', () => {
    const known = new Set<string>([...Object.keys(COMMANDS), ...Object.values(CONTEXT_KEYS), RUNS_VIEW]);
    for (const link of matches(/command:(puzzle\.\w+)/g)) assert.ok(link in COMMANDS, link);
    const conditions = Object.values(COMMANDS as Record<string, CommandEntry>).flatMap(
      ({ enablement, places = [] }) => [enablement ?? '', ...places.map(({ when }) => when)],
    );
    for (const name of conditions.flatMap((text) => text.match(/\bpuzzle\.\w+/g) ?? [])) {
      assert.ok(name === RUNS_VIEW || known.has(name), name);
    }
    const events = fields['activationEvents'] as string[];
    for (const viewType of Object.values(VIEW_TYPES)) {
      assert.ok(events.includes(`onWebviewPanel:${viewType}`), viewType);
    }
  });

  it('takes its icons from the codicons', () => {
    const styles = readFileSync('node_modules/@vscode/codicons/dist/codicon.css', 'utf8');
    for (const { icon } of Object.values(COMMANDS as Record<string, CommandEntry>)) {
      assert.ok(icon === undefined || styles.includes(`.codicon-${icon}:before`), icon);
    }
  });

  it('hides internal commands from the palette, and says when the others can be given', () => {
    const { commandPalette } = (fields['contributes'] as { menus: Record<string, { command: string; when: string }[]> })
      .menus;
    assert.deepEqual(commandPalette, [{ command: 'puzzle.restartWorker', when: 'false' }]);
    for (const id of ['puzzle.pause', 'puzzle.cancel', 'puzzle.resume', 'puzzle.exportChild'] as const) {
      assert.notEqual(COMMANDS[id].enablement, undefined, id);
    }
  });
});
