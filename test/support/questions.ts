import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node.js';
import { Endpoint } from '../../src/protocol/endpoint.js';
import { generated } from '../../src/protocol/questions.js';

const MAIN = fileURLToPath(new URL('../../src/worker/questions-main.ts', import.meta.url));

/** A worker that answers questions. */
export interface Questions {
  process: ChildProcess;
  endpoint: Endpoint;
  /** Text of each `generate` question, as it came. */
  pieces: Map<string, string[]>;
  /** Everything on its stderr. */
  said: () => string;
  /** Ends its input, and waits until it is gone. */
  end: () => Promise<void>;
}

/** @param built the program that was built; from sources when absent */
export function startQuestions(built?: string): Questions {
  const program = built === undefined ? ['--import', 'tsx', MAIN] : [built];
  const child = spawn(process.execPath, program, { stdio: 'pipe' });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const connection = createMessageConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  const endpoint = new Endpoint(connection);
  const pieces = new Map<string, string[]>();
  endpoint.onTold(generated, ({ id, text }) => pieces.set(id, [...(pieces.get(id) ?? []), text]));
  endpoint.listen();
  const exit = once(child, 'exit');
  return {
    ...{ process: child, endpoint, pieces, said: () => said },
    end: async () => {
      child.stdin.end();
      await exit;
    },
  };
}
