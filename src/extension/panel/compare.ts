import path from 'node:path';
import { Disposable, l10n, Uri, ViewColumn, window } from 'vscode';
import type { Comparison, PanelSource } from '../../protocol/panel.js';
import type { Services } from '../services.js';
import { type ComparedRun, compareSolutions, mergeRuns, readMeasured, readSolutions } from './comparison.js';
import { Latest } from './latest.js';
import { type PanelMaker, showPanel } from './panels.js';
import { NOTHING, type PanelContent, type PanelSubject } from './session.js';

/** Lets the user choose among the finished runs, and shows their models side by side. */
export async function compareRuns(services: Services, chosen: readonly string[] = []): Promise<void> {
  await services.runs.look();
  const finished = services.runs.all().filter(({ state }) => state === 'done');
  if (finished.length < 2) {
    void window.showInformationMessage(l10n.t('A comparison needs two finished runs; there are not as many.'));
    return;
  }
  const items = finished.map(({ dir, name }) => ({
    label: name,
    description: path.dirname(dir),
    dir,
    picked: chosen.includes(dir),
  }));
  const picked = await window.showQuickPick(items, {
    title: l10n.t('Compare Runs'),
    placeHolder: l10n.t('Two or more finished runs'),
    canPickMany: true,
  });
  if (picked === undefined) return;
  if (picked.length < 2) {
    void window.showInformationMessage(l10n.t('Choose at least two runs to compare.'));
    return;
  }
  const maker = comparisonOf(
    services,
    picked.map(({ dir }) => dir),
  );
  if (maker !== undefined) showPanel(services, maker, ViewColumn.Active);
}

/** The panel that compares these run directories; undefined where there are none. */
export function comparisonOf(services: Services, dirs: readonly string[]): PanelMaker | undefined {
  if (dirs.length === 0) return undefined;
  return {
    source: sourceOf(dirs),
    title: l10n.t('Puzzle: {0}', namesOf(dirs)),
    make: (changed) => new ComparisonPanel(services, dirs, changed),
  };
}

function namesOf(dirs: readonly string[]): string {
  return dirs.map((dir) => path.basename(dir)).join(', ');
}

function sourceOf(dirs: readonly string[]): PanelSource {
  return { kind: 'comparison', uris: dirs.map((dir) => Uri.file(dir).toString()) };
}

/** The panel of several runs: nothing but their models. */
class ComparisonPanel implements PanelSubject {
  private readonly comparison: Latest<readonly string[], Comparison | null>;
  private readonly subscriptions: Disposable;

  constructor(
    services: Services,
    private readonly dirs: readonly string[],
    changed: () => void,
  ) {
    this.comparison = new Latest(compare, changed);
    this.comparison.want(dirs);
    this.subscriptions = Disposable.from(
      ...dirs.map((dir) => services.runs.watch(dir)),
      services.runs.onDidChange((dir) => {
        if (dirs.includes(dir) && services.runs.get(dir)?.state === 'done') this.comparison.renew(dirs);
      }),
    );
  }

  content(): PanelContent {
    return {
      ...NOTHING,
      ...sourceOf(this.dirs),
      title: namesOf(this.dirs),
      comparison: this.comparison.value,
      error: this.comparison.error,
    };
  }

  serve(): void {
    // There is nothing to ask about beyond what it shows.
  }

  dispose(): void {
    this.subscriptions.dispose();
  }
}

async function compare(dirs: readonly string[]): Promise<Comparison | null> {
  const runs = await Promise.all(dirs.map(readRun));
  return mergeRuns(runs.filter((run) => run !== null));
}

async function readRun(dir: string): Promise<ComparedRun | null> {
  const measured = await readMeasured(dir);
  if (measured === null) return null;
  return { measured, solutions: compareSolutions(await readSolutions(dir), measured.architecture, null) };
}
