// A process with a worker that answers questions, to be killed: `questions-parent.ts`. Tells the worker's process id.
import { HELLO, hello } from '../../src/protocol/questions.js';
import { startQuestions } from './questions.js';

const worker = startQuestions();
const { pid } = await worker.endpoint.ask(hello, HELLO);
process.send?.(pid);
