import { basename, dirname, resolve } from 'node:path';
import {
  type Disposable,
  l10n,
  ProcessExecution,
  Task,
  type TaskDefinition,
  tasks,
  TaskScope,
  Uri,
  workspace,
  type WorkspaceFolder,
} from 'vscode';
import { findSpecs } from '../commands/targets.js';
import { TASK_TYPE } from '../manifest/tasks.js';

interface SearchTask extends TaskDefinition {
  spec: string;
  baselines?: boolean;
}

/**
 * Offers the search of each spec as a task, and makes those of tasks.json: in a terminal, with the progress of the command
 * line, until that is closed. The run is the same as any other's.
 *
 * @param script the command line program
 */
export function registerSearchTasks(script: string): Disposable {
  const make = (definition: SearchTask, scope: WorkspaceFolder | TaskScope.Workspace) =>
    searchTask(script, definition, scope);
  return tasks.registerTaskProvider(TASK_TYPE, {
    provideTasks: async () =>
      (await findSpecs()).map((uri) => {
        const folder = workspace.getWorkspaceFolder(uri);
        const spec = workspace.asRelativePath(uri, false);
        return make({ type: TASK_TYPE, spec }, folder ?? TaskScope.Workspace);
      }),
    resolveTask: ({ definition, scope }) => {
      const given = definition as Partial<SearchTask>;
      if (typeof given.spec !== 'string' || scope === undefined || scope === TaskScope.Global) return undefined;
      return make({ ...given, type: TASK_TYPE, spec: given.spec }, scope);
    },
  });
}

function searchTask(script: string, definition: SearchTask, scope: WorkspaceFolder | TaskScope.Workspace): Task {
  const folder = scope === TaskScope.Workspace ? workspace.workspaceFolders?.[0] : scope;
  const spec = resolve(folder?.uri.fsPath ?? '', definition.spec);
  const args = [script, 'search', spec, ...(definition.baselines === true ? ['--baselines'] : [])];
  const execution = new ProcessExecution(process.execPath, args, {
    cwd: dirname(spec),
    env: { ELECTRON_RUN_AS_NODE: '1' },
  });
  const task = new Task(definition, scope, l10n.t('search {0}', basename(spec)), 'puzzle', execution, []);
  task.detail = Uri.file(spec).fsPath;
  return task;
}
