import {
  type Event,
  EventEmitter,
  l10n,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  type TreeDataProvider,
} from 'vscode';
import type { RunView, StageView } from '../../protocol/run.js';
import { readMeasured } from '../panel/comparison.js';
import type { Runs } from '../services.js';
import { durationText, progressText, resultText, stateText } from './run-text.js';

/** What stands in the tree: a run, and below it its stages. Commands get it as their argument. */
export type RunNode = { dir: string } | { dir: string; stage: StageView };

const RUN_ICONS: Record<RunView['state'], ThemeIcon> = {
  running: new ThemeIcon('sync~spin'),
  paused: new ThemeIcon('debug-pause'),
  done: new ThemeIcon('pass', new ThemeColor('testing.iconPassed')),
  failed: new ThemeIcon('error', new ThemeColor('list.errorForeground')),
  cancelled: new ThemeIcon('circle-slash'),
  interrupted: new ThemeIcon('warning', new ThemeColor('list.warningForeground')),
};

const STAGE_ICONS: Record<StageView['state'], string> = {
  waiting: 'circle-outline',
  running: 'sync~spin',
  done: 'check',
};

/** The runs, each with its stages. */
export class RunTree implements TreeDataProvider<RunNode> {
  readonly onDidChangeTreeData: Event<RunNode | undefined>;
  private readonly emitter = new EventEmitter<RunNode | undefined>();
  /** One object a run, by which the view knows it again. */
  private readonly nodes = new Map<string, RunNode>();
  /** What the child of a finished run is, by run and time of its last event. */
  private readonly results = new Map<string, string>();
  private readonly subscription: { dispose: () => void };
  private shown = '';

  constructor(private readonly runs: Runs) {
    this.onDidChangeTreeData = this.emitter.event;
    this.subscription = runs.onDidChange((dir) => {
      const order = runs.all().map((run) => run.dir);
      const same = order.join('\n') === this.shown;
      this.emitter.fire(same ? this.nodes.get(dir) : undefined);
    });
  }

  async getChildren(node?: RunNode): Promise<RunNode[]> {
    await this.runs.ready;
    if (node === undefined) {
      const dirs = this.runs.all().map(({ dir }) => dir);
      this.shown = dirs.join('\n');
      return dirs.map((dir) => this.nodeOf(dir));
    }
    if ('stage' in node) return [];
    const stages = this.runs.get(node.dir)?.stages ?? [];
    return stages.map((stage) => ({ dir: node.dir, stage }));
  }

  async getTreeItem(node: RunNode): Promise<TreeItem> {
    if ('stage' in node) return stageItem(node.stage);
    const run = this.runs.get(node.dir);
    return run === undefined ? new TreeItem(node.dir) : this.runItem(run);
  }

  dispose(): void {
    this.subscription.dispose();
    this.emitter.dispose();
  }

  private nodeOf(dir: string): RunNode {
    const node = this.nodes.get(dir) ?? { dir };
    this.nodes.set(dir, node);
    return node;
  }

  private async runItem(run: RunView): Promise<TreeItem> {
    const item = new TreeItem(run.name, TreeItemCollapsibleState.Collapsed);
    item.id = run.dir;
    item.contextValue = `run.${run.state}`;
    item.iconPath = RUN_ICONS[run.state];
    item.description = run.state === 'running' ? progressText(run) : await this.restingText(run);
    item.tooltip = tooltip(run);
    item.accessibilityInformation = { label: `${run.name}, ${stateText(run.state)}, ${item.description}` };
    return item;
  }

  /** A result in figures where there is one, else the state and how far it came. */
  private async restingText(run: RunView): Promise<string> {
    const key = `${run.dir} ${run.lastEvent}`;
    const known = this.results.get(key);
    if (known !== undefined) return known;
    // A report that cannot be read is told of where it is asked for.
    const measured = run.state === 'done' ? await readMeasured(run.dir).catch(() => null) : null;
    const far = run.state === 'done' ? '' : ` ${Math.floor(run.progress * 100)}%`;
    const text = measured === null ? `${stateText(run.state)}${far}` : resultText(measured);
    this.results.set(key, text);
    return text;
  }
}

function tooltip(run: RunView): MarkdownString {
  const text = new MarkdownString();
  text.appendText(`${run.name}: ${stateText(run.state)}, ${durationText(run.seconds)}\n`);
  if (run.error !== null) text.appendText(`\n${run.error}\n`);
  text.appendText(`\n${run.dir}`);
  return text;
}

function stageItem({ stage, state, done, total, seconds, etaSeconds }: StageView): TreeItem {
  const item = new TreeItem(stage);
  item.iconPath = new ThemeIcon(STAGE_ICONS[state]);
  item.contextValue = 'stage';
  const left = etaSeconds === null ? '' : l10n.t(', {0} left', durationText(etaSeconds));
  const far = total > 0 ? Math.floor((100 * done) / total) : 0;
  item.description = { waiting: '', running: `${far}%${left}`, done: durationText(seconds) }[state];
  return item;
}
