import {
  Diagnostic,
  DiagnosticSeverity,
  type DiagnosticCollection,
  Disposable,
  extensions,
  languages,
  Range,
  type TextDocument,
  window,
  workspace,
} from 'vscode';
import type { SpecDiagnostic } from '../../search/spec-diagnostics.js';
import { isSolvable } from '../panel/solvable.js';
import { Throttle } from '../panel/throttle.js';
import type { Services } from '../services.js';
import { SPECS } from './code-lenses.js';

/** A text that is being written is looked at so often. */
const CHECK_INTERVAL_MS = 300;
const SOURCE = 'Puzzle';
/** By the schema this extension contributes, it tells what is no JSON and what the schema forbids. */
const JSON_EXTENSION = 'vscode.json-language-features';

type Found = Omit<SpecDiagnostic, 'kind'>;

/** Marks in specs what keeps them from being searched, and limits that nothing meets. */
export function registerDiagnostics(services: Services): Disposable {
  const collection = languages.createDiagnosticCollection('puzzle');
  const checks = new Map<TextDocument, SpecCheck>();
  const follow = (document: TextDocument | undefined) => {
    if (document === undefined || languages.match(SPECS, document) === 0) return;
    const check = checks.get(document) ?? new SpecCheck(document, collection, services);
    checks.set(document, check);
    check.request();
  };
  workspace.textDocuments.forEach(follow);
  return Disposable.from(
    collection,
    workspace.onDidOpenTextDocument(follow),
    workspace.onDidSaveTextDocument(follow),
    workspace.onDidChangeTextDocument(({ document }) => {
      follow(document);
    }),
    // Files that the spec names may have come or gone since it was last looked at.
    window.onDidChangeActiveTextEditor((editor) => {
      follow(editor?.document);
    }),
    workspace.onDidCloseTextDocument((document) => {
      checks.get(document)?.dispose();
      checks.delete(document);
    }),
    services.runs.onDidChange((dir) => {
      for (const check of checks.values()) check.runChanged(dir);
    }),
    new Disposable(() => {
      for (const check of checks.values()) check.dispose();
    }),
  );
}

/** The checks of one open spec: a new one may overtake the one before, which then says nothing more. */
class SpecCheck {
  private readonly throttle = new Throttle(CHECK_INTERVAL_MS, () => {
    this.check().catch((error: unknown) => {
      this.services.log.error(`${this.document.uri.fsPath}: ${String(error)}`);
    });
  });
  private readonly runDir: string;
  private wasSolvable = false;
  private latest = 0;

  constructor(
    private readonly document: TextDocument,
    private readonly collection: DiagnosticCollection,
    private readonly services: Services,
  ) {
    this.runDir = services.runs.dirOf(document.uri.fsPath);
  }

  request(): void {
    this.throttle.request(CHECK_INTERVAL_MS);
  }

  /** Only of a run that has scores and costs can be told which limits it meets. */
  runChanged(dir: string): void {
    if (dir === this.runDir && this.isSolvable() !== this.wasSolvable) this.request();
  }

  dispose(): void {
    this.latest++;
    this.throttle.dispose();
    this.collection.delete(this.document.uri);
  }

  private isSolvable(): boolean {
    const run = this.services.runs.get(this.runDir);
    return run !== undefined && isSolvable(run);
  }

  private async check(): Promise<void> {
    const number = ++this.latest;
    const text = this.document.getText();
    this.wasSolvable = this.isSolvable();
    const { specDiagnostics } = await import('../../search/spec-diagnostics.js');
    const found = await specDiagnostics(text, this.document.uri.fsPath);
    const isJsonChecked = extensions.getExtension(JSON_EXTENSION) !== undefined;
    this.tell(
      number,
      found.filter(({ kind }) => kind === 'content' || !isJsonChecked),
    );
    if (!this.wasSolvable || found.some(({ severity }) => severity === 'error')) return;
    const unmet = await this.unmetLimits(text);
    this.tell(number, [...found, ...unmet]);
  }

  private tell(number: number, found: readonly Found[]): void {
    if (number !== this.latest) return;
    const { document } = this;
    const at = (offset: number) => document.positionAt(offset);
    const diagnostics = found.map(({ start, end, message, severity }) => {
      const level = severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning;
      const diagnostic = new Diagnostic(new Range(at(start), at(end)), message, level);
      diagnostic.source = SOURCE;
      return diagnostic;
    });
    this.collection.set(document.uri, diagnostics);
  }

  /** Why no architecture of the run meets the limits, at each that would have to give way. */
  private async unmetLimits(text: string): Promise<Found[]> {
    const { unmetLimits } = await import('./unmet-limits.js');
    return unmetLimits(text, this.runDir, this.services.worker);
  }
}
