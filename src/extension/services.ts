import type { CancellationToken, Event, LogOutputChannel, Memento, Uri } from 'vscode';
import type { Disposable } from 'vscode-jsonrpc';
import type { Request } from '../protocol/messages.js';
import type { WORKER_STATES } from '../protocol/panel.js';
import type { RunView, Series } from '../protocol/run.js';

/** The runs below the workspace's folders, as their directories tell. */
export interface Runs extends Disposable {
  /** Resolves when the workspace has been looked through once. */
  ready: Promise<void>;
  /** Looks through the workspace again: other programs may have made runs. Resolves when those are known. */
  look: () => Promise<void>;
  /** Directory of a run that appeared, changed or went. */
  onDidChange: Event<string>;
  /** Those with a process first, then the latest. */
  all: () => readonly RunView[];
  get: (dir: string) => RunView | undefined;
  /** Directory of the run of a spec file, whether it exists or not: `.puzzle/<name>/` beside it. */
  dirOf: (specFile: string) => string;
  /** Looks at a directory until disposed, also one outside the workspace. */
  watch: (dir: string) => Disposable;
  /** Every loss curve that the run's log holds by now. */
  series: (dir: string) => Promise<readonly Series[]>;
  /** Starts or goes on with a search in a detached process. Rejects with what the process said when it ends at once. */
  start: (specFile: string) => Promise<void>;
  resume: (dir: string) => Promise<void>;
  /** Asks the process at work; `cancel` ends it by force when it does not listen. */
  pause: (dir: string) => Promise<void>;
  cancel: (dir: string) => Promise<void>;
}

/** The process that answers questions: started when first asked, restarted within bounds, ended when idle. */
export interface QuestionWorker extends Disposable {
  onDidChangeState: Event<void>;
  state: () => { state: (typeof WORKER_STATES)[number]; message: string | null };
  ask: <Params, Result>(
    question: Request<Params, Result>,
    params: Params,
    token?: CancellationToken,
  ) => Promise<Result>;
  /** Pieces of text of `generate` questions. */
  onGenerated: Event<{ id: string; text: string }>;
  /** Keeps the process warm until disposed: a panel is open. */
  keepWarm: () => Disposable;
  restart: () => Promise<void>;
}

/** What the parts of the extension share. */
export interface Services {
  runs: Runs;
  worker: QuestionWorker;
  log: LogOutputChannel;
  extensionUri: Uri;
  /** A folder of the user's for files of this extension; it may not exist yet. */
  storageUri: Uri;
  /** What the editor remembers for this workspace. */
  memory: Pick<Memento, 'get' | 'update'>;
}
