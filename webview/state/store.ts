import { signal, type ReadonlySignal } from '@preact/signals';
import type { CancellationToken, MessageConnection } from 'vscode-jsonrpc';
import { Endpoint } from '../../src/protocol/endpoint.js';
import type { Request } from '../../src/protocol/messages.js';
import { ready, stateTold, textTold, type PanelState } from '../../src/protocol/panel.js';
import { shareUnchanged } from './share.js';

// What the host last said, and the way to ask it. What the user has set in the panel itself is in ui-state.ts.

const latest = signal<PanelState | null>(null);
const failed = signal<string | null>(null);
const textListeners = new Map<string, (text: string) => void>();
let endpoint: Endpoint | undefined;

/** The last snapshot of the host; null until the first has come. Parts that did not change keep their identity. */
export const panel: ReadonlySignal<PanelState | null> = latest;

/** Why the last thing that was asked of the host by `perform` was not done; null when it was. */
export const failure: ReadonlySignal<string | null> = failed;

/** Takes in a snapshot, unless a newer one has overtaken it. */
export function receive(state: PanelState): void {
  const previous = latest.peek();
  if (previous === null || state.revision > previous.revision) latest.value = shareUnchanged(previous, state);
}

/** Begins to listen to the host, and asks for the first snapshot; if none comes, `failure` tells why. To be called once. */
export async function connect(connection: MessageConnection): Promise<void> {
  endpoint = new Endpoint(connection);
  endpoint.onTold(stateTold, receive);
  endpoint.onTold(textTold, ({ id, text }) => textListeners.get(id)?.(text));
  endpoint.listen();
  try {
    receive(await endpoint.ask(ready, { version: 1 }));
  } catch (error) {
    failed.value = errorText(error);
  }
}

/**
 * Asks the host one of the questions of `protocol/panel.ts`: `ask(askLayer, { layer: 3 })`.
 * Rejects with the host's error, or when the token is cancelled.
 */
export async function ask<Params, Result>(
  request: Request<Params, Result>,
  params: Params,
  token?: CancellationToken,
): Promise<Result> {
  if (endpoint === undefined) throw new Error('the panel is not connected yet');
  return endpoint.ask(request, params, token);
}

/**
 * Has something done whose effect shows in the next snapshot; if it fails, the error banner tells why.
 *
 * @param settled called when it is done, or has failed
 */
export function perform<Params>(request: Request<Params, unknown>, params: Params, settled?: () => void): void {
  failed.value = null;
  ask(request, params)
    .catch((error: unknown) => {
      failed.value = errorText(error);
    })
    .finally(settled);
}

export function dismissFailure(): void {
  failed.value = null;
}

/** Hears the pieces of one text that is being generated, until the returned function is called. */
export function onText(id: string, listener: (text: string) => void): () => void {
  textListeners.set(id, listener);
  return () => {
    textListeners.delete(id);
  };
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
