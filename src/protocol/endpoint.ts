import type { CancellationToken, Disposable, MessageConnection } from 'vscode-jsonrpc';
import { ErrorCodes, ResponseError } from 'vscode-jsonrpc/lib/common/messages.js';
import { prettifyError, ZodError } from 'zod';
import type { Notification, Request } from './messages.js';

/**
 * One side of a boundary: the messages of `questions.ts` or `panel.ts` over a JSON-RPC connection. What arrives is parsed
 * by its schema on both sides; what does not fit is an error to the one who sent it.
 */
export class Endpoint implements Disposable {
  constructor(private readonly connection: MessageConnection) {}

  /** Asks the other side. Rejects with its error, with a parse error, or when the connection ends. */
  async ask<Params, Result>(
    { method, params: schema, result }: Request<Params, Result>,
    params: Params,
    token?: CancellationToken,
  ): Promise<Result> {
    const sent = schema.parse(params);
    // An absent token that is handed over would be sent as a second parameter.
    const tokens = token === undefined ? [] : [token];
    return result.parse(await this.connection.sendRequest<unknown>(method, sent, ...tokens));
  }

  async tell<Params>({ method, params: schema }: Notification<Params>, params: Params): Promise<void> {
    await this.connection.sendNotification(method, schema.parse(params));
  }

  onAsked<Params, Result>(
    { method, params, result }: Request<Params, Result>,
    handler: (params: Params, token: CancellationToken) => Promise<Result>,
  ): Disposable {
    return this.connection.onRequest(method, async (received: unknown, token: CancellationToken) => {
      try {
        return result.parse(await handler(params.parse(received), token));
      } catch (error) {
        // The message as it is: what is not a ResponseError arrives with words of the transport around it.
        return error instanceof ResponseError ? error : new ResponseError(ErrorCodes.InternalError, wordsOf(error));
      }
    });
  }

  onTold<Params>({ method, params }: Notification<Params>, handler: (params: Params) => void): Disposable {
    return this.connection.onNotification(method, (received: unknown) => {
      handler(params.parse(received));
    });
  }

  /** Called when the other side is gone. */
  onClosed(handler: () => void): Disposable {
    return this.connection.onClose(handler);
  }

  listen(): void {
    this.connection.listen();
  }

  dispose(): void {
    this.connection.dispose();
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof ZodError) return prettifyError(error);
  return error instanceof Error ? error.message : String(error);
}
