import {
  CodeLens,
  type CodeLensProvider,
  Disposable,
  type DocumentFilter,
  EventEmitter,
  l10n,
  languages,
  Range,
  type Uri,
} from 'vscode';
import type { CommandId } from '../manifest/commands.js';
import type { Services } from '../services.js';
import { isModelConfig, SPEC_LENSES, type SpecCondition, type SpecLens } from './spec-lenses.js';

export const SPECS: DocumentFilter = { scheme: 'file', pattern: '**/*.puzzle.json' };
const CONFIGS: DocumentFilter = { scheme: 'file', pattern: '**/config.json' };
/** Lenses stand above the first line. */
const TOP = new Range(0, 0, 0, 0);

/** A title and the command that is given the file. */
type Lens = readonly [title: string, command: CommandId];

const LENSES: Readonly<Record<SpecLens, Lens>> = {
  start: [l10n.t('Start search'), 'puzzle.startSearch'],
  resume: [l10n.t('Resume'), 'puzzle.resume'],
  pause: [l10n.t('Pause'), 'puzzle.pause'],
  cancel: [l10n.t('Cancel'), 'puzzle.cancel'],
  solve: [l10n.t('Solve'), 'puzzle.solveAgain'],
  open: [l10n.t('Open panel'), 'puzzle.openPanel'],
};
const CONFIG_LENSES: readonly Lens[] = [
  [l10n.t('Show architecture map'), 'puzzle.showMap'],
  [l10n.t('Search…'), 'puzzle.startSearch'],
];

/** The lenses above specs, by the states of their runs, and above the configs of models. */
export function registerCodeLenses({ runs }: Pick<Services, 'runs'>): Disposable {
  const changes = new EventEmitter<void>();
  /** The conditions that the lenses which stand there were made for, by run directory. */
  const shown = new Map<string, SpecCondition>();
  const conditionOf = (dir: string): SpecCondition => runs.get(dir)?.state ?? 'none';
  const specs: CodeLensProvider = {
    onDidChangeCodeLenses: changes.event,
    provideCodeLenses: ({ uri }) => {
      const dir = runs.dirOf(uri.fsPath);
      const condition = conditionOf(dir);
      shown.set(dir, condition);
      return SPEC_LENSES[condition].map((name) => codeLens(LENSES[name], uri));
    },
  };
  const configs: CodeLensProvider = {
    provideCodeLenses: (document) =>
      isModelConfig(document.getText()) ? CONFIG_LENSES.map((lens) => codeLens(lens, document.uri)) : [],
  };
  return Disposable.from(
    changes,
    runs.onDidChange((dir) => {
      const before = shown.get(dir);
      if (before !== undefined && before !== conditionOf(dir)) changes.fire();
    }),
    languages.registerCodeLensProvider(SPECS, specs),
    languages.registerCodeLensProvider(CONFIGS, configs),
  );
}

function codeLens([title, command]: Lens, about: Uri): CodeLens {
  return new CodeLens(TOP, { title, command, arguments: [about] });
}
