/** Searches of seconds in the workspace, and what becomes of them. */
import { type Stage, STAGES } from '../../../src/run/events.js';
import { existsSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands, Uri, workspace } from 'vscode';
import type { RunView } from '../../../src/protocol/run.js';
import { services } from './extension.js';
import { SEARCHES_VARIABLE } from './results.js';
import { until } from '../until.js';

const SPEC_NAME = 'tiny.puzzle.json';
export interface Search {
  folder: string;
  spec: Uri;
  /** The run directory. */
  dir: string;
}

function searchIn(name: string): Search {
  const [workspaceFolder] = workspace.workspaceFolders ?? [];
  if (workspaceFolder === undefined) throw new Error('no folder is open');
  const folder = join(workspaceFolder.uri.fsPath, name);
  return { folder, spec: Uri.file(join(folder, SPEC_NAME)), dir: join(folder, '.puzzle/tiny') };
}

/** Parent, text and spec in a folder of their own; `changes` replace fields of the spec. */
export async function newSearch(name: string, changes: object = {}): Promise<Search> {
  const template = process.env[SEARCHES_VARIABLE];
  if (template === undefined) throw new Error(`${SEARCHES_VARIABLE} names no folder`);
  const search = searchIn(name);
  await cp(template, search.folder, { recursive: true });
  const file = search.spec.fsPath;
  const fields = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, `// A comment that stays.\n${JSON.stringify({ ...fields, ...changes }, null, 2)}\n`);
  return search;
}

/** Another search of the same kind, with the same run; made once. */
export async function copyOf({ folder }: Search, name: string): Promise<Search> {
  const copy = searchIn(name);
  if (!existsSync(copy.folder)) await cp(folder, copy.folder, { recursive: true });
  return copy;
}

/** A search that has found its child; the first who asks starts it. */
export async function finishedSearch(): Promise<Search> {
  const search = searchIn('finished');
  if (!existsSync(search.folder)) {
    await commands.executeCommand('puzzle.startSearch', (await newSearch('finished')).spec);
  }
  await reaches(search, 'done');
  return search;
}

/** The run as the extension knows it, as soon as it is in that state. */
export async function reaches({ dir }: Search, state: RunView['state']): Promise<RunView> {
  const { runs } = await services();
  return until(`${dir} is ${state}`, () => {
    const run = runs.get(dir);
    if (run?.state === 'failed' && state !== 'failed') throw new Error(`the search failed: ${String(run.error)}`);
    return run?.state === state && run;
  });
}

/** The run as soon as it is seen at work on a stage or on a later one: a short stage may begin and end between two looks. */
export async function isAt({ dir }: Search, stage: Stage): Promise<RunView> {
  const { runs } = await services();
  return until(`${dir} is at ${stage}`, () => {
    const run = runs.get(dir);
    const reached = STAGES.findIndex((name) => name === run?.stage) >= STAGES.indexOf(stage);
    return run?.state === 'running' && reached && run;
  });
}

/** Keys of the tasks that the log says are finished, in order. */
export async function finishedTasks({ dir }: Search): Promise<string[]> {
  const lines = (await readFile(join(dir, 'events.jsonl'), 'utf8')).split('\n').slice(0, -1);
  const events = lines.map((line) => JSON.parse(line) as { type: string; key?: string });
  return events.flatMap(({ type, key }) => (type === 'task-finished' && key !== undefined ? [key] : []));
}
