import { randomUUID } from 'node:crypto';
import type { CancellationToken } from 'vscode-jsonrpc';
import type { Endpoint } from '../../protocol/endpoint.js';
import type { ParamsOf } from '../../protocol/messages.js';
import { textTold } from '../../protocol/panel.js';
import { generateQuestion } from '../../protocol/questions.js';
import type { QuestionWorker } from '../services.js';

/** Has the worker continue a prompt, and tells the panel every piece. Panels name their texts without knowing of others. */
export async function continuePrompt(
  worker: QuestionWorker,
  { id: textId, ...params }: ParamsOf<typeof generateQuestion>,
  endpoint: Endpoint,
  token: CancellationToken,
): Promise<{ text: string; tokens: number; seconds: number }> {
  const id = randomUUID();
  const pieces = worker.onGenerated((piece) => {
    // A panel that is gone needs no text.
    if (piece.id === id) endpoint.tell(textTold, { id: textId, text: piece.text }).catch(() => undefined);
  });
  try {
    return await worker.ask(generateQuestion, { ...params, id }, token);
  } finally {
    pieces.dispose();
  }
}
