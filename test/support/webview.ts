import { EventEmitter } from 'node:events';
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  createMessageConnection,
  type DataCallback,
  Disposable,
  type Message,
} from 'vscode-jsonrpc/node.js';
import type { WebviewPort } from '../../src/extension/panel/webview-transport.js';
import { Endpoint } from '../../src/protocol/endpoint.js';

/**
 * A webview as the extension host sees it, and the documents in it. As in the editor, messages are copied, arrive later,
 * and go to whichever document is there when they do; with none they are lost.
 */
export class FakeWebview implements WebviewPort {
  /** Every message that was posted to it. */
  readonly posted: unknown[] = [];
  private readonly events = new EventEmitter();
  private documents = 0;

  postMessage(message: unknown): Promise<boolean> {
    this.posted.push(message);
    const copy = structuredClone(message);
    setImmediate(() => this.events.emit('toDocument', copy));
    return Promise.resolve(true);
  }

  onDidReceiveMessage(listener: (message: unknown) => void): { dispose: () => void } {
    this.events.on('toHost', listener);
    return { dispose: () => this.events.off('toHost', listener) };
  }

  /** Something that a document posts to the host. */
  send(message: unknown): void {
    this.events.emit('toHost', structuredClone(message));
  }

  /** Loads a new document, which takes the place of the one that was there, and opens its connection. */
  load(): Endpoint {
    const number = ++this.documents;
    const isPresent = () => number === this.documents;
    const endpoint = new Endpoint(
      createMessageConnection(
        new DocumentReader(this.events, isPresent),
        new DocumentWriter((message) => {
          setImmediate(() => {
            this.send(message);
          });
        }),
      ),
    );
    endpoint.listen();
    return endpoint;
  }
}

class DocumentReader extends AbstractMessageReader {
  constructor(
    private readonly events: EventEmitter,
    private readonly isPresent: () => boolean,
  ) {
    super();
  }

  listen(callback: DataCallback): Disposable {
    const listener = (message: Message) => {
      if (this.isPresent()) callback(message);
    };
    this.events.on('toDocument', listener);
    return Disposable.create(() => this.events.off('toDocument', listener));
  }
}

class DocumentWriter extends AbstractMessageWriter {
  constructor(private readonly post: (message: Message) => void) {
    super();
  }

  write(message: Message): Promise<void> {
    this.post(message);
    return Promise.resolve();
  }

  end(): void {
    this.fireClose();
  }
}
