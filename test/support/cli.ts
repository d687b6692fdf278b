import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface CliResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Starts the command line, from sources, in a process of its own. */
export function startPuzzle(...args: string[]): { process: ChildProcess; result: Promise<CliResult> } {
  return startNode('--import', 'tsx', MAIN, ...args);
}

/** Starts Node and collects what it prints. */
export function startNode(...args: string[]): { process: ChildProcess; result: Promise<CliResult> } {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const result = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject).on('close', (status) => {
      resolve({ status, stdout, stderr });
    });
  });
  return { process: child, result };
}

export function puzzle(...args: string[]): Promise<CliResult> {
  return startPuzzle(...args).result;
}

/** The one JSON object a command printed with --json. Throws when stdout holds anything else. */
export async function puzzleJson(...args: string[]): Promise<CliResult & { answer: unknown }> {
  const result = await puzzle(...args, '--json');
  return { ...result, answer: JSON.parse(result.stdout) };
}
