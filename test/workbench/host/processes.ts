import { readFileSync } from 'node:fs';
import { extension } from './extension.js';

/** The processes that this extension host has started from the extension's folder, by id. */
export function startedPrograms(): Map<number, string> {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ');
  const programs = children
    .filter((pid) => pid.trim() !== '')
    .map((pid): [number, string] => [Number(pid), readFileSync(`/proc/${pid}/cmdline`, 'utf8')]);
  return new Map(programs.filter(([, commandLine]) => commandLine.includes(extension().extensionPath)));
}

/** The ids of those that run this script. */
export function processesOf(script: string): number[] {
  return [...startedPrograms()].filter(([, commandLine]) => commandLine.includes(script)).map(([pid]) => pid);
}
