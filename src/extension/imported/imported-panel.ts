import { join, basename } from 'node:path';
import { commands, Disposable, l10n, RelativePattern, Uri, window, workspace } from 'vscode';
import { InputError } from '../../common/errors.js';
import { PUZZLETRON_FILES } from '../../formats/puzzletron.js';
import {
  act,
  askLayer,
  exportSolution,
  type PanelAction,
  setImported,
  setLimit,
  setLimits,
  setRule,
  setRules,
} from '../../protocol/panel.js';
import type { ParamsOf } from '../../protocol/messages.js';
import { exportSolutionsQuestion, layerQuestion } from '../../protocol/questions.js';
import type { CommandId } from '../manifest/commands.js';
import { offer } from '../messages.js';
import { serveExploring } from '../panel/explore.js';
import { showFile } from '../panel/panels.js';
import type { PanelContent, PanelSubject, Serve } from '../panel/session.js';
import { Throttle } from '../panel/throttle.js';
import type { Services } from '../services.js';
import { requireTrust } from '../trust.js';
import { ImportedState } from './imported-state.js';

/** Files that are being written are looked at when they have been left alone for so long. */
const SETTLE_MS = 500;

/** The panel of a Puzzletron working directory: map, limits and solver, and nothing of training. */
export class ImportedPanel implements PanelSubject {
  private readonly state: ImportedState;
  private readonly subscriptions: Disposable;
  private workerWas: string;

  constructor(
    private readonly services: Services,
    private readonly dirUri: Uri,
    changed: (soon?: boolean) => void,
  ) {
    const { worker, memory } = services;
    const uri = dirUri.toString();
    const key = `imported ${uri}`;
    this.state = new ImportedState(
      { uri, dir: dirUri.fsPath, name: basename(dirUri.fsPath) },
      {
        worker,
        memory: {
          get: () => memory.get(key),
          set: (asked) => void memory.update(key, asked),
        },
      },
      changed,
    );
    this.workerWas = worker.state().state;
    const looking = new Throttle(SETTLE_MS, () => {
      this.state.lookAgain();
    });
    const soon = () => {
      looking.request(SETTLE_MS);
    };
    const watchers = ['*.json', `${PUZZLETRON_FILES.validation}/*.json`].map((pattern) =>
      workspace.createFileSystemWatcher(new RelativePattern(dirUri, pattern)),
    );
    this.subscriptions = Disposable.from(
      ...[this.state, looking, worker.keepWarm(), ...watchers],
      ...watchers.flatMap((watcher) => [
        watcher.onDidChange(soon),
        watcher.onDidCreate(soon),
        watcher.onDidDelete(soon),
      ]),
      worker.onDidChangeState(() => {
        const { state } = worker.state();
        const isBack = state === 'ready' && this.workerWas === 'down';
        this.workerWas = state;
        if (isBack) this.state.lookAgain();
        else changed();
      }),
    );
  }

  content(): PanelContent {
    return this.state.content();
  }

  serve(serve: Serve): void {
    const { state, services } = this;
    // A panel that was hidden while a slider was on its way does not remember that it was.
    state.endTrials();
    serve(askLayer, ({ layer }, token) => {
      const { run, imported } = state.question();
      return services.worker.ask(layerQuestion, { run, imported, layer }, token);
    });
    serveExploring(serve, services.worker, () => state.question());
    serve(setLimit, ({ metric, text, preview }) => {
      if (preview) state.tryLimit(metric, text);
      else state.setLimit(metric, text);
      return Promise.resolve({});
    });
    serve(setLimits, ({ limits }) => {
      state.setLimits(limits);
      return Promise.resolve({});
    });
    serve(setRule, (rule) => {
      state.setRule(rule);
      return Promise.resolve({});
    });
    serve(setRules, ({ rules }) => {
      state.setRules(rules);
      return Promise.resolve({});
    });
    serve(exportSolution, async ({ architecture }) => {
      await this.exportSolution(architecture);
      return {};
    });
    serve(setImported, (imported) => {
      state.take(imported);
      return Promise.resolve({});
    });
    serve(act, async ({ action }) => {
      const perform = this.actions[action];
      if (perform === undefined) throw new InputError(`"${action}" needs a search`, state.place.name);
      await perform();
      return {};
    });
  }

  dispose(): void {
    this.subscriptions.dispose();
  }

  private readonly actions: Partial<Record<PanelAction, () => PromiseLike<unknown>>> = {
    restartWorker: () => this.services.worker.restart(),
    showLog: () => commands.executeCommand('puzzle.showLog' satisfies CommandId),
    copyDiagnostics: () => commands.executeCommand('puzzle.copyDiagnostics' satisfies CommandId),
  };

  /** Asks where to, and writes an architecture; the worker refuses one that is beyond the present limits. */
  private async exportSolution(architecture: ParamsOf<typeof exportSolution>['architecture']): Promise<void> {
    requireTrust();
    const { run, imported, limits } = this.state.question();
    const picked = await window.showSaveDialog({
      title: l10n.t('Where to put the solution'),
      saveLabel: l10n.t('Export'),
      defaultUri: Uri.file(join(this.dirUri.fsPath, 'solutions.json')),
      filters: { [l10n.t('Puzzletron solutions')]: ['json'] },
    });
    if (picked === undefined) return;
    const { file } = await this.services.worker.ask(exportSolutionsQuestion, {
      ...{ run, imported, limits },
      architectures: [architecture],
      out: picked.fsPath,
    });
    const open = { title: l10n.t('Open'), act: () => showFile(Uri.file(file)) };
    void offer(window.showInformationMessage, l10n.t('The solution is in {0}.', file), [open]);
  }
}
