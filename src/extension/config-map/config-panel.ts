import path from 'node:path';
import { Disposable, Range, Selection, type TextEditor, TextEditorRevealType, type Uri, window } from 'vscode';
import { act, revealLayer } from '../../protocol/panel.js';
import { performConfigAction } from '../panel/actions.js';
import { LiveDocument } from '../panel/live-document.js';
import { showFile } from '../panel/panels.js';
import type { PanelContent, PanelSubject, Serve } from '../panel/session.js';
import { Throttle } from '../panel/throttle.js';
import { ConfigState } from './config-state.js';

/** A text that is being written is read at most so often. */
const READ_INTERVAL_MS = 150;

/** The panel of a config: its map, and the way between layers and lines. */
export class ConfigPanel implements PanelSubject {
  private readonly state: ConfigState;
  private readonly config: LiveDocument;
  private readonly subscriptions: Disposable;

  constructor(
    private readonly uri: Uri,
    changed: (soon?: boolean) => void,
  ) {
    // The folder tells configs apart: all are called the same.
    this.state = new ConfigState(
      uri.toString(),
      path.join(path.basename(path.dirname(uri.fsPath)), path.basename(uri.fsPath)),
    );
    this.config = new LiveDocument(uri);
    let latest: [text: string, problem: string | null] = ['', null];
    const reading = new Throttle(READ_INTERVAL_MS, () => {
      this.state.setText(...latest);
      this.look(this.editor);
      changed();
    });
    this.subscriptions = Disposable.from(
      ...[this.config, reading],
      this.config.follow((...present) => {
        latest = present;
        reading.request(READ_INTERVAL_MS);
      }),
      window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (!this.isOurs(textEditor)) return;
        this.look(textEditor);
        changed();
      }),
    );
  }

  content(): PanelContent {
    return this.state.content();
  }

  serve(serve: Serve): void {
    serve(revealLayer, async ({ layer }) => {
      await this.reveal(layer);
      return {};
    });
    serve(act, async ({ action }) => {
      await performConfigAction(action, this.uri);
      return {};
    });
  }

  dispose(): void {
    this.subscriptions.dispose();
  }

  private get editor(): TextEditor | undefined {
    return window.visibleTextEditors.find((editor) => this.isOurs(editor));
  }

  private isOurs({ document }: TextEditor): boolean {
    return document.uri.toString() === this.uri.toString();
  }

  private look(editor: TextEditor | undefined): void {
    this.state.setCursor(editor === undefined ? null : editor.document.offsetAt(editor.selection.active));
  }

  /** Selects what the text says of a layer, in the editor that shows it; the focus stays in the map. */
  private async reveal(layer: number): Promise<void> {
    const editor = this.editor ?? (await showFile(this.uri, { preserveFocus: true }));
    const { document } = editor;
    const ranges = this.state.rangesOf(layer).map(([start, end]) => {
      return new Range(document.positionAt(start), document.positionAt(end));
    });
    const [first] = ranges;
    if (first === undefined) return;
    // The cursor at the beginning: the end of a range may be in the next layer's line.
    editor.selections = ranges.map(({ start, end }) => new Selection(end, start));
    editor.revealRange(first, TextEditorRevealType.InCenterIfOutsideViewport);
  }
}
