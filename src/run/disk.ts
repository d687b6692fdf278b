import { fsyncSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * The two operations through which the run directory's own bytes reach the disk. Tests put a disk underneath that fills
 * up; everything else uses the real one.
 */
export interface Disk {
  /** As `fs.writeSync`: returns how many bytes were written, perhaps fewer than given. */
  write(descriptor: number, bytes: Uint8Array): number;
  sync(descriptor: number): void;
}

export const realDisk: Disk = {
  write: (descriptor, bytes) => writeSync(descriptor, bytes),
  sync: fsyncSync,
};

/** The disk did not take what the run had to write. The run can be resumed once there is room. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}

const STORAGE_FAILURES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space, then resume the run',
  EDQUOT: 'the disk quota is used up; free some space, then resume the run',
  EROFS: 'the file system is read-only; use a run directory that can be written',
  EIO: 'the disk reported an input/output error; check the disk, then resume the run',
};

/** The same error, told as a {@link StorageError} naming `path` when its cause is the disk. */
export function storageError(error: unknown, path: string): unknown {
  const told = STORAGE_FAILURES[errorCode(error) ?? ''];
  return told === undefined ? error : new StorageError(`${path}: could not be written: ${told}`, { cause: error });
}

/** Codes of "no such file" and of "a file where a directory should be". */
export const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);

/** The system's code of an error (`ENOENT`, …), if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Writes all of `bytes` at the descriptor's position. */
export function writeAll(disk: Disk, descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += disk.write(descriptor, bytes.subarray(written));
  }
}

/** Flushes a file, or a directory's entries, to the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
