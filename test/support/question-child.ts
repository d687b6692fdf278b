// A worker that answers `generate` questions, as their prompts ask it to: a real process, to be killed for real.
// Arguments: `refuse` ends before the greeting, `mute` never greets.
import { setTimeout as sleep } from 'node:timers/promises';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node.js';
import { Endpoint } from '../../src/protocol/endpoint.js';
import { generated, generateQuestion, hello } from '../../src/protocol/questions.js';

const [behaviour] = process.argv.slice(2);
console.error(`started as ${String(process.pid)}`);
if (behaviour === 'refuse') throw new Error('no such library');

const endpoint = new Endpoint(
  createMessageConnection(new StreamMessageReader(process.stdin), new StreamMessageWriter(process.stdout)),
);
endpoint.onAsked(hello, async () => {
  if (behaviour === 'mute') await sleep(1e6);
  return { pid: process.pid };
});
endpoint.onAsked(generateQuestion, async ({ id, prompt }, token) => {
  await endpoint.tell(generated, { id, text: prompt });
  if (prompt === 'throw') throw new Error('no such model');
  if (prompt === 'exit') {
    console.error('out of memory');
    process.exit(7);
  }
  if (prompt === 'hang') for (;;) void 0;
  if (prompt === 'wait') await new Promise((resolve) => token.onCancellationRequested(resolve));
  return { text: `${prompt} ${String(process.pid)}`, tokens: 1, seconds: 0 };
});
endpoint.onClosed(() => process.exit());
endpoint.listen();
