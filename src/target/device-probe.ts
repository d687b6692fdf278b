import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { InputError } from '../common/errors.js';
import { type Device, DEVICES } from '../common/devices.js';
import { withNeeds } from './devices.js';
import type { Tried } from './try-device.js';

/** Drivers compile their programs at first use, which may take seconds. */
const MAX_SECONDS = 60;
/** Of what the process writes, this much of the end is told where it dies. */
const MAX_TAIL_CHARS = 2_000;

/**
 * Whether a device works here: a small model is served on it, in a process that the driver may take down with it, and gives
 * the logits that it gives on the CPU. Every operator must run there; nothing falls back to the CPU unseen.
 */
export function probeDevice(device: Device, seconds = MAX_SECONDS): Promise<Tried> {
  const fromSources = import.meta.url.endsWith('.ts');
  const entry = fileURLToPath(new URL(fromSources ? './try-device.ts' : './try-device.js', import.meta.url));
  const child = fork(entry, [device], {
    execArgv: process.execArgv.filter((option) => !option.startsWith('--inspect')),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let tail = '';
  let tried: Tried | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-MAX_TAIL_CHARS)));
  }
  child.once('message', (message: Tried) => (tried = message));
  const end = () => child.kill('SIGKILL');
  const timer = setTimeout(end, 1000 * seconds);
  process.once('exit', end);
  const settle = () => {
    clearTimeout(timer);
    process.off('exit', end);
  };
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('close', (code, signal) => {
      settle();
      // A device that works is one whose process also ends well.
      const told = tried !== undefined && (tried.reason !== null || code === 0) ? tried : undefined;
      const how = signal ?? `exit code ${code ?? 'unknown'}`;
      const died = `its process died (${how})${tail === '' ? '' : `: ${tail.trim()}`}`;
      resolve(told ?? { reason: child.killed ? `nothing came of it within ${seconds} s` : died });
    });
  });
}

/** A device, and whether it works here. */
export interface TriedDevice {
  device: Device;
  works: boolean;
  /** Why it does not; null where it does. */
  reason: string | null;
}

/** {@link probeDevice} of all devices. */
export function probeDevices(seconds?: number): Promise<TriedDevice[]> {
  return Promise.all(
    DEVICES.map(async (device) => {
      const { reason } = await probeDevice(device, seconds);
      return { device, works: reason === null, reason };
    }),
  );
}

/** Throws InputError, with the reason and what it needs, unless a device works here. The CPU does. */
export async function requireDevice(device: Device, where: string): Promise<void> {
  if (device === 'cpu') return;
  const { reason } = await probeDevice(device);
  if (reason === null) return;
  throw new InputError(`"${device}" does not work here: ${withNeeds(device, reason)}`, where);
}
