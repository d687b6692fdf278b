import path from 'node:path';
import { Disposable, type Uri } from 'vscode';
import { InputError } from '../../common/errors.js';
import type { Endpoint } from '../../protocol/endpoint.js';
import {
  act,
  askLayer,
  askSeries,
  dropKept,
  generate,
  keep,
  type PanelState,
  setLimit,
  setLimits,
  setRule,
  setRules,
} from '../../protocol/panel.js';
import { layerQuestion } from '../../protocol/questions.js';
import { requireMetric } from '../../search/constraints.js';
import { limitEdits, limitsEdits, ruleEdits, rulesEdits } from '../../search/spec-edit.js';
import type { Services } from '../services.js';
import { requireTrust } from '../trust.js';
import { performAction } from './actions.js';
import { EditClock } from './edit-clock.js';
import { DocumentEditor } from './edits.js';
import { serveExploring } from './explore.js';
import { continuePrompt } from './generation.js';
import { LiveDocument } from './live-document.js';
import { SearchState } from './search-state.js';
import { unknownPoints } from './series.js';
import type { PanelContent, PanelSubject, Serve } from './session.js';

/** The panel of a spec: its state, and what it can be asked. */
export class SearchPanel implements PanelSubject {
  private readonly state: SearchState;
  private readonly spec: LiveDocument;
  private readonly editor: DocumentEditor;
  private readonly clock: EditClock;
  private readonly subscriptions: Disposable;

  constructor(
    private readonly services: Services,
    private readonly specUri: Uri,
    changed: (soon?: boolean) => void,
  ) {
    const { runs, worker, log } = services;
    const file = specUri.fsPath;
    const runDir = runs.dirOf(file);
    const place = { uri: specUri.toString(), file, name: path.basename(file), runDir };
    this.state = new SearchState(place, services, changed);
    this.spec = new LiveDocument(specUri);
    this.editor = new DocumentEditor(specUri);
    this.clock = new EditClock((milliseconds) => {
      log.debug(`${place.name}: a limit was set and solved for, and the panel told, in ${milliseconds.toFixed(1)} ms`);
    });
    this.subscriptions = Disposable.from(
      ...[this.state, this.spec, runs.watch(runDir), worker.keepWarm()],
      this.spec.follow((text, problem) => {
        this.state.setText(text, problem);
      }),
      this.spec.onDidSave(() => {
        if (this.state.run === undefined) this.state.checkStart();
      }),
    );
    if (this.state.run === undefined) this.state.checkStart();
  }

  content(): PanelContent {
    return this.state.content();
  }

  told(state: PanelState): void {
    this.clock.told(state);
  }

  serve(serve: Serve, endpoint: Endpoint): void {
    const { state, services, specUri } = this;
    // A panel that was hidden while a slider was on its way does not remember that it was.
    state.endTrials();
    const { runDir } = state.place;
    serve(askSeries, async ({ known }) =>
      state.run === undefined ? [] : unknownPoints(await services.runs.series(runDir), known),
    );
    serve(askLayer, ({ layer }, token) => services.worker.ask(layerQuestion, { run: runDir, layer }, token));
    serveExploring(serve, services.worker, () => state.question());
    serve(setLimit, async ({ metric: name, text, preview }) => {
      const metric = requireMetric(name, 'limits');
      this.clock.begun(metric, text);
      if (preview) {
        state.tryLimit(metric, text);
        return {};
      }
      await this.editor.edit((spec) => limitEdits(spec, metric, text));
      state.endTrial(metric);
      return {};
    });
    serve(setLimits, async ({ limits }) => {
      const named = Object.entries(limits).map(([name, text]) => [requireMetric(name, 'limits'), text] as const);
      await this.editor.edit((spec) => limitsEdits(spec, named));
      return {};
    });
    serve(setRule, async (rule) => {
      await this.editor.edit((spec) => ruleEdits(spec, rule));
      return {};
    });
    serve(setRules, async ({ rules }) => {
      await this.editor.edit((spec) => rulesEdits(spec, rules));
      return {};
    });
    serve(act, async ({ action }) => {
      await performAction(action, { services, specUri, state });
      return {};
    });
    serve(keep, async ({ alternative }) => {
      requireTrust();
      await state.keep(alternative);
      return {};
    });
    serve(dropKept, async (solution) => {
      requireTrust();
      await state.dropKept(solution);
      return {};
    });
    serve(generate, ({ model, ...params }, token) => {
      const dir = state.modelDir(model);
      if (dir === null) throw new InputError(`there is no ${model} to ask yet`, state.place.name);
      return continuePrompt(services.worker, { ...params, model: dir }, endpoint, token);
    });
  }

  dispose(): void {
    this.subscriptions.dispose();
  }
}
