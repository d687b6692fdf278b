import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Disk, errorCode, realDisk, storageError, syncPath, writeAll } from './disk.js';
import { canonicalJson } from './task-key.js';

/** What is being written carries such a name until it is whole. The file's own name, and so its extension, comes last. */
const TEMPORARY_NAME = /^\.tmp-[0-9a-f]{12}-/;

function temporaryName(path: string): string {
  return join(dirname(path), `.tmp-${randomBytes(6).toString('hex')}-${basename(path)}`);
}

/**
 * Writes a file or a whole directory so that `path` is either as before or complete: `write` fills a temporary name
 * beside it, everything is synced, then renamed. Missing parent directories are made. An existing file at `path` is
 * replaced in one step; an existing directory is moved aside first.
 *
 * @param write receives the temporary path, at which it creates a file, or a directory with what belongs in it.
 * @throws StorageError when the disk is full; nothing is then left behind.
 */
export async function writeArtifact(path: string, write: (temporary: string) => Promise<void> | void): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await makeDirectory(dirname(path));
    await write(temporary);
    await syncTree(temporary);
    await replace(temporary, path);
    await syncPath(dirname(path));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw storageError(error, path);
  }
}

/** {@link writeArtifact} of bytes or text. */
export async function writeBytes(path: string, content: Uint8Array | string, disk: Disk = realDisk): Promise<void> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  await writeArtifact(path, (temporary) => {
    const descriptor = openSync(temporary, 'wx');
    try {
      writeAll(disk, descriptor, bytes);
      disk.sync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

/** {@link writeArtifact} of a value as canonical, indented JSON. */
export async function writeJson(path: string, value: unknown, disk: Disk = realDisk): Promise<void> {
  await writeBytes(path, `${canonicalJson(value, 2)}\n`, disk);
}

/** {@link writeArtifact} of a directory, which exists and is empty when `fill` is called. */
export async function writeDirectory(path: string, fill: (directory: string) => Promise<void> | void): Promise<void> {
  await writeArtifact(path, async (temporary) => {
    await mkdir(temporary);
    await fill(temporary);
  });
}

/** Removes a file or a directory, all at once for whoever looks at `path`; nothing happens when it is not there. */
export async function removeArtifact(path: string): Promise<void> {
  const old = temporaryName(path);
  try {
    await rename(path, old);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  await rm(old, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes what interrupted writers left under `directory`. Only for the holder of the run's lock, before it writes. */
export async function removeTemporaries(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (TEMPORARY_NAME.test(entry.name)) await rm(path, { recursive: true, force: true, maxRetries: 3 });
    else if (entry.isDirectory()) await removeTemporaries(path);
  }
}

/** Makes a directory and its parents, and syncs the entries that are new. */
async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let made = resolve(directory); ; made = dirname(made)) {
    await syncPath(dirname(made));
    if (made === resolve(first)) return;
  }
}

async function syncTree(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    if (errorCode(error) === 'ENOTDIR') return [];
    throw error;
  });
  for (const entry of entries) {
    if (entry.isFile() || entry.isDirectory()) await syncTree(join(path, entry.name));
  }
  await syncPath(path);
}

async function replace(temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path);
  } catch (error) {
    if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error;
    const old = temporaryName(path);
    await rename(path, old);
    await rename(temporary, path);
    await rm(old, { recursive: true, force: true });
  }
}
