import { Disposable, EventEmitter, FileSystemError, RelativePattern, type TextDocument, Uri, workspace } from 'vscode';
import { messageOf } from '../../common/errors.js';

/** Of specs and configs; what is larger is neither. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The text of a file as the editor has it, unsaved changes included; where no editor has it, as the disk has it. */
export class LiveDocument implements Disposable {
  private readonly changes = new EventEmitter<void>();
  private readonly saves = new EventEmitter<void>();
  /** The file on the disk is another. */
  readonly onDidSave = this.saves.event;
  private text: string | null = null;
  private problem: string | null = null;
  private loads = 0;
  private readonly subscriptions: Disposable;

  constructor(readonly uri: Uri) {
    const isThis = (other: Uri) => other.toString() === uri.toString();
    const watcher = workspace.createFileSystemWatcher(new RelativePattern(Uri.joinPath(uri, '..'), '*'));
    const onDisk = (file: Uri) => {
      if (!isThis(file)) return;
      void this.load();
      // An editor tells of its saving itself.
      if (this.document === undefined) this.saves.fire();
    };
    const inEditor = (document: TextDocument) => {
      if (isThis(document.uri)) void this.load();
    };
    this.subscriptions = Disposable.from(
      ...[this.changes, this.saves, watcher],
      ...[watcher.onDidChange(onDisk), watcher.onDidCreate(onDisk), watcher.onDidDelete(onDisk)],
      workspace.onDidOpenTextDocument(inEditor),
      workspace.onDidCloseTextDocument(inEditor),
      workspace.onDidChangeTextDocument(({ document }) => {
        inEditor(document);
      }),
      workspace.onDidSaveTextDocument((document) => {
        if (isThis(document.uri)) this.saves.fire();
      }),
    );
    void this.load();
  }

  /** The editor's document of this file, if it has one. */
  get document(): TextDocument | undefined {
    return workspace.textDocuments.find(
      (document) => !document.isClosed && document.uri.toString() === this.uri.toString(),
    );
  }

  /** Calls with the text, or why there is none, as soon as that is known and whenever it is another. */
  follow(listener: (text: string, problem: string | null) => void): Disposable {
    const tell = () => {
      if (this.text !== null || this.problem !== null) listener(this.text ?? '', this.problem);
    };
    tell();
    return this.changes.event(tell);
  }

  dispose(): void {
    this.subscriptions.dispose();
  }

  private async load(): Promise<void> {
    const number = ++this.loads;
    const { document } = this;
    if (document !== undefined) {
      this.set(document.getText(), null);
      return;
    }
    const read = await this.readFile().catch((error: unknown) => ({ text: null, problem: reasonOf(error) }));
    // Whatever has happened meanwhile was looked at too, and later than this.
    if (number === this.loads) this.set(read.text, read.problem);
  }

  private async readFile(): Promise<{ text: string | null; problem: string | null }> {
    const { size } = await workspace.fs.stat(this.uri);
    if (size > MAX_BYTES) return { text: null, problem: `is ${size} bytes; at most ${MAX_BYTES} are accepted` };
    return { text: new TextDecoder().decode(await workspace.fs.readFile(this.uri)), problem: null };
  }

  private set(text: string | null, problem: string | null): void {
    if (text === this.text && problem === this.problem) return;
    this.text = text;
    this.problem = problem;
    this.changes.fire();
  }
}

function reasonOf(error: unknown): string {
  const isAbsent = error instanceof FileSystemError && error.code === 'FileNotFound';
  return isAbsent ? 'there is no such file' : `cannot be read: ${messageOf(error)}`;
}
