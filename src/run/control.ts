import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { InputError } from '../common/errors.js';
import { writeJson } from './artifacts.js';
import { errorCode } from './disk.js';
import { isLocked } from './lock-state.js';

/**
 * What any process may ask of the one that works on a run: `control.json` in the run directory. The worker looks at it
 * between steps; its absence means "go on".
 */
const controlSchema = z.object({ request: z.enum(['pause', 'cancel']) });
export type ControlRequest = z.infer<typeof controlSchema>['request'];

const controlPath = (directory: string): string => join(directory, 'control.json');

/** What is asked of the run at present. */
export async function readControl(directory: string): Promise<ControlRequest | undefined> {
  const path = controlPath(directory);
  try {
    return controlSchema.parse(JSON.parse(await readFile(path, 'utf8'))).request;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new InputError('not a request this program knows; remove the file to go on', path, { cause: error });
  }
}

/**
 * Asks the process working on the run to pause or to stop.
 *
 * @returns false when no process is working on it, so that nothing was asked.
 */
export async function requestControl(directory: string, request: ControlRequest): Promise<boolean> {
  if (!(await isLocked(directory))) return false;
  await writeJson(controlPath(directory), { request });
  return true;
}

/** Withdraws what was asked: a paused process goes on. */
export async function clearControl(directory: string): Promise<void> {
  await rm(controlPath(directory), { force: true });
}
