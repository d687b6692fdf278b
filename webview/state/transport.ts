import {
  AbstractMessageReader,
  AbstractMessageWriter,
  createMessageConnection,
  Disposable,
  type DataCallback,
  type Message,
  type MessageConnection,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/browser.js';
import type { VsCodeApi } from './vscode-api.js';

/** JSON-RPC messages that the host posts to the window; anything else that is posted there is not ours. */
class WindowReader extends AbstractMessageReader implements MessageReader {
  listen(callback: DataCallback): Disposable {
    const listener = ({ data }: MessageEvent<unknown>): void => {
      if (isMessage(data)) callback(data);
    };
    window.addEventListener('message', listener);
    return Disposable.create(() => {
      window.removeEventListener('message', listener);
    });
  }
}

class HostWriter extends AbstractMessageWriter implements MessageWriter {
  constructor(private readonly api: VsCodeApi) {
    super();
  }

  write(message: Message): Promise<void> {
    this.api.postMessage(message);
    return Promise.resolve();
  }

  end(): void {
    this.fireClose();
  }
}

function isMessage(data: unknown): data is Message {
  return typeof data === 'object' && data !== null && 'jsonrpc' in data && data.jsonrpc === '2.0';
}

/** The one connection of the panel to the extension host. */
export function hostConnection(api: VsCodeApi): MessageConnection {
  return createMessageConnection(new WindowReader(), new HostWriter(api));
}
