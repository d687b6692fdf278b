import type { Readable, Writable } from 'node:stream';
import {
  type CancellationToken,
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node.js';
import { CancelledError, InputError, messageOf } from '../../common/errors.js';
import { Endpoint } from '../../protocol/endpoint.js';
import type { Request } from '../../protocol/messages.js';
import {
  devicesQuestion,
  exportQuestion,
  diverseQuestion,
  exportSolutionsQuestion,
  frontQuestion,
  generated,
  generateQuestion,
  hello,
  type Imported,
  importedQuestion,
  layerQuestion,
  preflightQuestion,
  rangesQuestion,
  solveQuestion,
} from '../../protocol/questions.js';

/** The question was withdrawn by whoever asked it; the number is that of the Language Server Protocol. */
const REQUEST_CANCELLED = -32_800;

const QUESTIONS = {
  hello,
  solve: solveQuestion,
  layer: layerQuestion,
  ranges: rangesQuestion,
  generate: generateQuestion,
  preflight: preflightQuestion,
  devices: devicesQuestion,
  export: exportQuestion,
  front: frontQuestion,
  diverse: diverseQuestion,
  imported: importedQuestion,
  exportSolutions: exportSolutionsQuestion,
};
type Name = keyof typeof QUESTIONS;

/** Somebody waits for the answer. */
const DEVICE_SECONDS = 30;

/** What a handler needs beside the question. */
interface Asking {
  /** Aborted, with a CancelledError, when the question is withdrawn. */
  signal: AbortSignal;
  /** Tells a piece of generated text. */
  tellText: (id: string, text: string) => void;
}

type Handler<Question> =
  Question extends Request<infer Params, infer Result> ? (params: Params, asking: Asking) => Promise<Result> : never;

/** Each handler is loaded with its first question: the process is up at once, and loads no more than it is asked for. */
const HANDLERS: { [Key in Name]: Handler<(typeof QUESTIONS)[Key]> } = {
  hello: () => Promise.resolve({ pid: process.pid }),
  solve: async (params) =>
    isImported(params)
      ? (await import('./imported.js')).answerImportedSolve(params)
      : (await import('./solve.js')).answerSolve(params),
  layer: async (params) =>
    isImported(params)
      ? (await import('./imported.js')).answerImportedLayer(params)
      : (await import('./layer.js')).answerLayer(params),
  ranges: async (params) =>
    isImported(params)
      ? (await import('./imported.js')).answerImportedRanges(params)
      : (await import('./solve.js')).answerRanges(params),
  generate: async ({ id, ...params }, { signal, tellText }) => {
    const { answerGenerate } = await import('./generate.js');
    return answerGenerate(params, {
      signal,
      onText: (text) => {
        tellText(id, text);
      },
    });
  },
  preflight: async ({ spec }) => (await import('../../search/preflight.js')).preflightItems(spec),
  devices: async () => ({
    devices: await (await import('../../target/device-probe.js')).probeDevices(DEVICE_SECONDS),
  }),
  export: async ({ run, out }) => {
    const { exportChild } = await import('../../search/export-child.js');
    return exportChild(run, out);
  },
  front: async (params, { signal }) =>
    isImported(params)
      ? (await import('./imported-explore.js')).answerImportedFront(params, signal)
      : (await import('./explore.js')).answerFront(params, signal),
  diverse: async (params, { signal }) =>
    isImported(params)
      ? (await import('./imported-explore.js')).answerImportedDiverse(params, signal)
      : (await import('./explore.js')).answerDiverse(params, signal),
  imported: async (params) => (await import('./imported.js')).answerImported(params),
  exportSolutions: async (params) => (await import('./imported.js')).exportSolutions(params),
};

/** Whether a question is about a Puzzletron working directory. */
function isImported<Params extends { imported?: Imported | undefined }>(
  params: Params,
): params is Params & { imported: Imported } {
  return params.imported !== undefined;
}

/**
 * Answers the questions of `protocol/questions.ts` that come in on one stream, on the other. When the first ends, whoever
 * asked is gone, and so is this process.
 */
export function serveQuestions(input: Readable, output: Writable): void {
  const endpoint = new Endpoint(
    createMessageConnection(new StreamMessageReader(input), new StreamMessageWriter(output)),
  );
  const tellText = (id: string, text: string) => {
    // An asker that is gone is noticed by the end of the input.
    endpoint.tell(generated, { id, text }).catch(() => undefined);
  };
  for (const name of Object.keys(QUESTIONS) as Name[]) {
    const handler = HANDLERS[name] as (params: unknown, asking: Asking) => Promise<unknown>;
    const question: Request<unknown, unknown> = QUESTIONS[name];
    endpoint.onAsked(question, async (params, token) => {
      try {
        return await handler(params, { signal: signalOf(token), tellText });
      } catch (error) {
        throw responseError(error);
      }
    });
  }
  endpoint.onClosed(() => process.exit());
  endpoint.listen();
}

function signalOf(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  const cancel = () => {
    controller.abort(new CancelledError());
  };
  if (token.isCancellationRequested) cancel();
  token.onCancellationRequested(cancel);
  return controller.signal;
}

function responseError(error: unknown): ResponseError<{ where: string | null }> {
  if (error instanceof CancelledError) return new ResponseError(REQUEST_CANCELLED, error.message, { where: null });
  if (error instanceof InputError) {
    return new ResponseError(ErrorCodes.InvalidParams, error.message, { where: error.where ?? null });
  }
  // Ours to explain: the log of the editor shows where it comes from.
  console.error(error);
  return new ResponseError(ErrorCodes.InternalError, messageOf(error), { where: null });
}
