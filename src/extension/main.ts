import { commands, type Disposable, EventEmitter, type ExtensionContext, window } from 'vscode';
import { COMMANDS, type CommandId } from './manifest/commands.js';
import { RUNS_VIEW } from './manifest/views.js';
import type { RunNode, RunTree } from './runs/run-tree.js';
import type { Services } from './services.js';
import type { Started } from './start.js';

/** What `activate` gives to whoever asks the editor for this extension: the tests. */
export interface Activated {
  /** How long `activate` took. */
  activationMs: number;
  services: () => Promise<Services>;
}

/** Registers what the manifest promises. All else is loaded after, or by the first command. */
export function activate(context: ExtensionContext): Activated {
  const begun = performance.now();
  const log = window.createOutputChannel('Puzzle', { log: true });
  let starting: Promise<Started> | undefined;
  const started = () => (starting ??= import('./start.js').then(({ start }) => start(context, log)));

  context.subscriptions.push(log, registerTree(started));
  for (const id of Object.keys(COMMANDS) as CommandId[]) {
    const perform = async (argument: unknown) => (await started()).perform(id, argument);
    context.subscriptions.push(commands.registerCommand(id, perform));
  }
  setImmediate(() => {
    started().catch((error: unknown) => {
      log.error(error instanceof Error ? error : String(error));
    });
  });
  const activationMs = performance.now() - begun;
  log.info(`activated in ${activationMs.toFixed(1)} ms`);
  return { activationMs, services: async () => (await started()).services };
}

/** The view may ask for its runs before that is loaded which knows them. */
function registerTree(started: () => Promise<Started>): Disposable {
  const changes = new EventEmitter<RunNode | undefined>();
  let followed: Promise<RunTree> | undefined;
  const follow = async () => {
    const { tree } = await started();
    tree.onDidChangeTreeData((node) => {
      changes.fire(node);
    });
    return tree;
  };
  const view = window.createTreeView<RunNode>(RUNS_VIEW, {
    treeDataProvider: {
      onDidChangeTreeData: changes.event,
      getChildren: async (node) => (await (followed ??= follow())).getChildren(node),
      getTreeItem: async (node) => (await (followed ??= follow())).getTreeItem(node),
    },
    showCollapseAll: true,
  });
  view.onDidChangeVisibility(async ({ visible }) => {
    if (visible) await (await started()).services.runs.look();
  });
  return view;
}
