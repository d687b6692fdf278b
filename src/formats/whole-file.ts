import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Bytes handed to the system at a time: bounds the memory beside what is written. */
export const CHUNK_BYTES = 16 * 1024 * 1024;

/**
 * Writes a file that appears under `path` whole and synced, or not at all: it grows under `path.tmp` (one writer per
 * path), and a failure, such as a full disk, removes that.
 */
export async function writeWholeFile(path: string, fill: (handle: FileHandle) => Promise<void>): Promise<void> {
  const temporary = `${path}.tmp`;
  const handle = await open(temporary, 'w');
  try {
    try {
      await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Writes all bytes at the end of what is there. */
export async function appendBytes(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

/** Makes the rename itself durable, where the system lets a folder be opened (not on Windows). */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
