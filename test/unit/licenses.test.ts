import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';

/** Licences whose works may be carried in one under the GNU GPL 3, by the list of the Free Software Foundation. */
const COMPATIBLE = new Set([
  ...['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'Zlib', 'CC0-1.0'],
  ...['CC-BY-4.0', 'GPL-3.0', 'GPL-3.0-or-later'],
]);

/** Whether an SPDX expression without nested brackets can be met by licences of the list. */
function isCompatible(expression: string): boolean {
  const alternatives = expression.replaceAll(/[()]/g, '').split(' OR ');
  return alternatives.some((all) => all.split(' AND ').every((name) => COMPATIBLE.has(name)));
}

describe('the licences of what the extension carries', () => {
  it('are read as SPDX has them', () => {
    assert.ok(isCompatible('(MIT OR SSPL-1.0)') && isCompatible('(MIT AND Zlib)'));
    assert.ok(!isCompatible('(MIT AND SSPL-1.0)') && !isCompatible('') && !isCompatible('SEE LICENSE IN x'));
  });

  it('are all compatible with the GPL', async () => {
    const lock = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
      packages: Record<string, { dev?: boolean; license?: string }>;
    };
    const carried = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    assert.ok(carried.length > 10);
    const others = carried.filter(([, { license = '' }]) => !isCompatible(license));
    assert.deepEqual(
      others.map(([path, { license }]) => `${path}: ${license ?? 'none given'}`),
      [],
    );
  });
});
