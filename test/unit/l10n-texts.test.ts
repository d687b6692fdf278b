import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sourceTexts } from '../../scripts/texts.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('what people read', async () => {
  const { bundle, problems } = await sourceTexts(ROOT);

  it('can be translated, all of it', () => {
    assert.deepEqual(problems, []);
  });

  it('is what translations begin from (npm run l10n)', async () => {
    assert.ok('Optimal, proven' in bundle && 'Compare Runs' in bundle);
    assert.deepEqual(JSON.parse(await readFile(`${ROOT}/l10n/bundle.l10n.json`, 'utf8')), bundle);
  });
});
