import { type CancellationToken, CancellationTokenSource, type Logger } from 'vscode-jsonrpc/node.js';
import type { Endpoint } from '../../protocol/endpoint.js';
import type { Request } from '../../protocol/messages.js';
import { type PanelState, ready, stateTold } from '../../protocol/panel.js';
import { Throttle } from './throttle.js';
import { WebviewConnection, type WebviewPort } from './webview-transport.js';

/** Milliseconds between two snapshots: ten a second are as good as any number to the eye. */
const SNAPSHOT_INTERVAL_MS = 100;

/** What a panel shows, but for what the session adds. */
export type PanelContent = Omit<PanelState, 'revision'>;

/** The parts that a panel has nothing to say about. */
export const NOTHING = {
  spec: null,
  imported: null,
  run: null,
  stale: null,
  parent: null,
  answer: null,
  answerIsChild: false,
  solving: false,
  ranges: [],
  comparison: null,
  preflight: null,
  worker: { state: 'ready', message: null },
  cursorLayer: null,
  error: null,
} satisfies Partial<PanelContent>;

/** Registers an answer to a question of the panel. Its token is cancelled too when the panel's document goes. */
export type Serve = <Params, Result>(
  question: Request<Params, Result>,
  answer: (params: Params, token: CancellationToken) => Promise<Result>,
) => void;

/** What a panel is about and can be asked. */
export interface PanelSubject {
  content: () => PanelContent;
  /** Registers what the panel may ask, for each document that begins. */
  serve: (serve: Serve, endpoint: Endpoint) => void;
  /** A snapshot is on its way to the panel. */
  told?: (state: PanelState) => void;
  dispose: () => void;
}

/** @param changed to be called when the panel should be told; `soon`: more is expected to change in a moment */
export type MakeSubject = (changed: (soon?: boolean) => void) => PanelSubject;

/** Keeps one webview up to date about its subject: whole snapshots, a bounded number of them, with rising revisions. */
export class PanelSession {
  private revision = 0;
  private readonly snapshots = new Throttle(SNAPSHOT_INTERVAL_MS, () => {
    this.tell();
  });
  private readonly subject: PanelSubject;
  private readonly connection: WebviewConnection;

  /** @param shown whether the webview can take a message at present; one that cannot asks when it is back */
  constructor(
    port: WebviewPort,
    make: MakeSubject,
    private readonly shown: () => boolean,
    private readonly logger: Logger,
  ) {
    this.subject = make((soon) => {
      // More that changes in a moment goes into one snapshot with this.
      this.snapshots.request(soon ? SNAPSHOT_INTERVAL_MS : 0);
    });
    this.connection = new WebviewConnection(port, (endpoint) => this.begin(endpoint), logger);
  }

  dispose(): void {
    this.snapshots.dispose();
    this.connection.dispose();
    this.subject.dispose();
  }

  private begin(endpoint: Endpoint): { dispose: () => void } {
    const gone = new CancellationTokenSource();
    const serve: Serve = (question, answer) => {
      endpoint.onAsked(question, async (params, token) => {
        const either = new CancellationTokenSource();
        const cancel = () => {
          either.cancel();
        };
        const links = [token, gone.token].map((one) => one.onCancellationRequested(cancel));
        try {
          return await answer(params, either.token);
        } finally {
          for (const link of links) link.dispose();
        }
      });
    };
    serve(ready, () => Promise.resolve(this.snapshot()));
    this.subject.serve(serve, endpoint);
    return {
      dispose: () => {
        gone.cancel();
      },
    };
  }

  private snapshot(): PanelState {
    const state = { ...this.subject.content(), revision: ++this.revision };
    this.subject.told?.(state);
    return state;
  }

  private tell(): void {
    const { present } = this.connection;
    if (present === undefined || !this.shown()) return;
    present.tell(stateTold, this.snapshot()).catch((error: unknown) => {
      this.logger.error(`a snapshot was not sent: ${String(error)}`);
    });
  }
}
