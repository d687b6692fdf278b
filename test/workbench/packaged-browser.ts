/** The Chromium of an npm package, with the few libraries it needs: for a Linux without one and without rights to install. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { installPackages, runInstaller } from './install.js';

const DIR = join(import.meta.dirname, 'browser');
const PACKED = join(DIR, 'node_modules/@sparticuz/chromium/bin');
const UNPACKED = join(DIR, 'node_modules/.unpacked');
const START = join(UNPACKED, 'start.sh');

/** Starts it with its own libraries, and with its own fonts where the machine has none. */
const START_SCRIPT = `#!/bin/sh
here=${JSON.stringify(UNPACKED)}
export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib"
[ -d /etc/fonts ] || export FONTCONFIG_PATH="$here"
exec "$here/chromium" "$@"
`;

const FONTS = `<?xml version="1.0"?>
<fontconfig>
  <dir>${join(UNPACKED, 'fonts')}</dir>
  <cachedir>${join(UNPACKED, 'font-cache')}</cachedir>
</fontconfig>
`;

export async function packagedBrowser(): Promise<string> {
  await installPackages(DIR, 'a Chromium from a package', async () => {
    await mkdir(UNPACKED, { recursive: true });
    await unpack('chromium.br', 'chromium');
    for (const archive of ['al2023.tar', 'fonts.tar']) {
      await unpack(`${archive}.br`, archive);
      await runInstaller('tar', ['xf', archive], UNPACKED);
      await rm(join(UNPACKED, archive));
    }
    await writeFile(join(UNPACKED, 'fonts.conf'), FONTS);
    await writeFile(START, START_SCRIPT, { mode: 0o755 });
  });
  return START;
}

async function unpack(from: string, to: string): Promise<void> {
  const file = createWriteStream(join(UNPACKED, to), { mode: 0o755 });
  await pipeline(createReadStream(join(PACKED, from)), createBrotliDecompress(), file);
}
