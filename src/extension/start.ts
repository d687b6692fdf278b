import './l10n-setup.js';
import { join } from 'node:path';
import type { ExtensionContext, LogOutputChannel } from 'vscode';
import { perform } from './commands/perform.js';
import { registerEditorFeatures } from './editor/register.js';
import type { CommandId } from './manifest/commands.js';
import { nodeProgram } from './node-program.js';
import { createQuestionWorker } from './questions/question-worker.js';
import { keepContextKeys } from './runs/context-keys.js';
import { notifyOfEnds } from './runs/notify.js';
import { RunTree } from './runs/run-tree.js';
import { RunStatus } from './runs/status.js';
import { createRuns } from './runs/workspace-runs.js';
import type { Services } from './services.js';
import { keepFolderKeys } from './wizard/folder-keys.js';
import { registerSearchTasks } from './wizard/search-tasks.js';

/** What the things registered at activation lead to. */
export interface Started {
  services: Services;
  tree: RunTree;
  perform: (command: CommandId, argument: unknown) => Promise<void>;
}

/** Everything that activation need not wait for: finds the runs, and begins to show them. Starts no process. */
export function start(context: ExtensionContext, log: LogOutputChannel): Started {
  const script = (name: string) => join(context.extensionPath, 'dist', name);
  const runs = createRuns(script('puzzle.js'), context, log);
  const worker = createQuestionWorker(nodeProgram(script('questions.js')), log);
  const { extensionUri, globalStorageUri: storageUri, workspaceState: memory } = context;
  const services: Services = { runs, worker, log, extensionUri, storageUri, memory };
  const tree = new RunTree(runs);
  context.subscriptions.push(runs, worker, tree, new RunStatus(runs));
  context.subscriptions.push(keepContextKeys(runs), notifyOfEnds(runs), ...keepFolderKeys());
  context.subscriptions.push(registerSearchTasks(script('puzzle.js')));
  registerEditorFeatures(context, services);
  return { services, tree, perform: (command, argument) => perform(command, services, argument) };
}
