import { commands, Disposable, l10n, StatusBarAlignment, type StatusBarItem, ThemeColor, window } from 'vscode';
import type { RunView } from '../../protocol/run.js';
import type { Runs } from '../services.js';
import { isAlive } from './run-store.js';
import { progressText, stateText } from './run-text.js';

const PRIORITY = 10;
/** What a click does; not in the manifest, for it means nothing elsewhere. */
const CLICKED = 'puzzle.statusBar.clicked';

/** The status bar item: how far the run at work is; that one failed, until somebody has looked. */
export class RunStatus implements Disposable {
  private readonly item: StatusBarItem = window.createStatusBarItem('puzzle.run', StatusBarAlignment.Left, PRIORITY);
  private readonly before = new Map<string, RunView['state']>();
  private readonly failed = new Set<string>();
  private readonly subscription: Disposable;

  constructor(private readonly runs: Runs) {
    this.item.name = l10n.t('Puzzle Search');
    this.subscription = Disposable.from(
      runs.onDidChange((dir) => {
        this.see(dir);
        this.show();
      }),
      commands.registerCommand(CLICKED, async (dir: string) => {
        // Whoever looks at the panel knows.
        this.failed.delete(dir);
        this.show();
        await commands.executeCommand('puzzle.openPanel', dir);
      }),
    );
    for (const { dir } of runs.all()) this.see(dir);
    this.show();
  }

  dispose(): void {
    this.subscription.dispose();
    this.item.dispose();
  }

  private see(dir: string): void {
    const state = this.runs.get(dir)?.state;
    const before = this.before.get(dir);
    if (state === undefined) this.before.delete(dir);
    else this.before.set(dir, state);
    if (state !== 'failed') this.failed.delete(dir);
    else if (before !== undefined && before !== 'failed') this.failed.add(dir);
  }

  private show(): void {
    const alive = this.runs.all().filter(isAlive);
    const failed = this.runs.all().filter(({ dir }) => this.failed.has(dir));
    const [run] = failed.length > 0 ? failed : alive;
    if (run === undefined) {
      this.item.hide();
      return;
    }
    const more = failed.length + alive.length - 1;
    this.item.text = `${iconOf(run)} ${l10n.t('Puzzle: {0}', textOf(run))}${more > 0 ? ` +${more}` : ''}`;
    this.item.tooltip = l10n.t('{0}: {1}. Click for its panel.', run.name, stateText(run.state));
    this.item.accessibilityInformation = { label: l10n.t('Puzzle: {0}', textOf(run)), role: 'button' };
    this.item.backgroundColor = run.state === 'failed' ? new ThemeColor('statusBarItem.errorBackground') : undefined;
    this.item.command = { command: CLICKED, title: l10n.t('Open Search Panel'), arguments: [run.dir] };
    this.item.show();
  }
}

const iconOf = ({ state }: RunView): string => {
  return { running: '$(sync~spin)', paused: '$(debug-pause)', failed: '$(error)' }[state as string] ?? '$(layers)';
};

const textOf = (run: RunView): string => (run.state === 'running' ? progressText(run) : stateText(run.state));
