import { resolve } from 'node:path';
import { InputError } from '../common/errors.js';
import { type ControlRequest, requestControl } from '../run/control.js';
import { readRun } from '../run/run.js';
import type { Answer } from './command.js';

const DONE: Record<ControlRequest, string> = {
  pause: 'was asked to pause after the step at hand; go on with: puzzle resume',
  cancel: 'was asked to stop after the step at hand; go on with: puzzle resume',
};

/** `puzzle pause RUN` and `puzzle cancel RUN`: asks the process that works on the run. */
export async function control(dir: string, request: ControlRequest): Promise<Answer> {
  await readRun(dir);
  if (!(await requestControl(dir, request))) {
    throw new InputError(`no process is working on this run, so there is nothing to ${request}`, dir);
  }
  const run = resolve(dir);
  return { json: { run, requested: request }, text: `${run} ${DONE[request]} ${dir}` };
}
