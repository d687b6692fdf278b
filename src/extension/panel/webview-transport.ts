import {
  AbstractMessageReader,
  AbstractMessageWriter,
  createMessageConnection,
  type DataCallback,
  Disposable,
  type Logger,
  Message,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/node.js';
import { Endpoint } from '../../protocol/endpoint.js';
import { ready } from '../../protocol/panel.js';

/** The part of a webview that messages go through. */
export interface WebviewPort {
  postMessage: (message: unknown) => PromiseLike<boolean>;
  onDidReceiveMessage: (listener: (message: unknown) => void) => { dispose: () => void };
}

/** Gives what has come from a webview to a connection. */
class WebviewReader extends AbstractMessageReader implements MessageReader {
  private callback: DataCallback | undefined;

  listen(callback: DataCallback): Disposable {
    this.callback = callback;
    return Disposable.create(() => (this.callback = undefined));
  }

  take(message: Message): void {
    this.callback?.(message);
  }
}

/** Posts to a webview until disposed. A message that it does not take is lost: it asks for the whole state when it is back. */
class WebviewWriter extends AbstractMessageWriter implements MessageWriter {
  private disposed = false;

  constructor(private readonly port: WebviewPort) {
    super();
  }

  async write(message: Message): Promise<void> {
    if (!this.disposed) await this.port.postMessage(message);
  }

  end(): void {
    this.fireClose();
  }

  override dispose(): void {
    this.disposed = true;
    super.dispose();
  }
}

/**
 * The connection to the document that a webview holds at present. A webview that is hidden and shown again begins with a
 * new document, which counts its questions from zero: so each document, known by its `ready`, has a connection of its
 * own, and the answer to a question of one that is gone goes nowhere.
 */
export class WebviewConnection {
  private reader: WebviewReader | undefined;
  private endpoint: Endpoint | undefined;
  private served: { dispose: () => void } | undefined;
  private readonly subscription: { dispose: () => void };

  /** @param serve answers the questions of a new document; what it returns is disposed with the document */
  constructor(
    private readonly port: WebviewPort,
    private readonly serve: (endpoint: Endpoint) => { dispose: () => void },
    private readonly logger: Logger,
  ) {
    this.subscription = port.onDidReceiveMessage((message) => {
      this.receive(message);
    });
  }

  /** The present document's; undefined before there is one. */
  get present(): Endpoint | undefined {
    return this.endpoint;
  }

  dispose(): void {
    this.subscription.dispose();
    this.close();
  }

  private receive(message: unknown): void {
    if (!isMessage(message)) {
      this.logger.error('the panel sent something that is not a message');
      return;
    }
    if (Message.isRequest(message) && message.method === ready.method) this.open();
    this.reader?.take(message);
  }

  private open(): void {
    this.close();
    this.reader = new WebviewReader();
    this.endpoint = new Endpoint(createMessageConnection(this.reader, new WebviewWriter(this.port), this.logger));
    this.served = this.serve(this.endpoint);
    this.endpoint.listen();
  }

  private close(): void {
    this.served?.dispose();
    this.endpoint?.dispose();
    this.served = this.endpoint = this.reader = undefined;
  }
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'jsonrpc' in value && value.jsonrpc === '2.0';
}
