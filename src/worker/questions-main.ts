// The program that answers an editor's questions, over its standard input and output.
import { Console } from 'node:console';
import { serveQuestions } from './questions/serve.js';

// Standard output is the connection: whatever a library has to say goes elsewhere.
globalThis.console = new Console(process.stderr, process.stderr);
serveQuestions(process.stdin, process.stdout);
