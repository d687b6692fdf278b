/** The licences of the packages whose code the extension carries. */
import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface LockedPackage {
  version?: string;
  license?: string;
  dev?: boolean;
  optional?: boolean;
}

/** Writes name, version, licence and licence text of every package that is not for development alone. */
export async function writeLicenses(root: string, file: string): Promise<void> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const carried = Object.entries(lock.packages).filter(
    // Libraries for other platforms are in the lockfile, but not here.
    ([path, { dev, optional }]) => path !== '' && dev !== true && (optional !== true || existsSync(join(root, path))),
  );
  const sections = await Promise.all(
    carried.map(async ([path, { version = '', license = 'see its page' }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      return `${name} ${version}: ${license}\n\n${await licenseText(join(root, path))}`;
    }),
  );
  await writeFile(file, sections.join(`\n\n${'-'.repeat(80)}\n\n`));
}

async function licenseText(packageDir: string): Promise<string> {
  const names = await readdir(packageDir).catch(() => []);
  const file = names.find((name) => /^(licen[cs]e|copying)/i.test(name));
  return file === undefined ? '' : (await readFile(join(packageDir, file), 'utf8')).trim();
}
