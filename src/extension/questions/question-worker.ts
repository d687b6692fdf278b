import { EventEmitter, type LogOutputChannel } from 'vscode';
import {
  devicesQuestion,
  exportQuestion,
  generateQuestion,
  preflightQuestion,
  solveQuestion,
} from '../../protocol/questions.js';
import type { Program } from '../node-program.js';
import type { QuestionWorker } from '../services.js';
import { Supervisor, type SupervisorLimits } from './supervisor.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Questions that may take longer than the others. */
const REQUEST_MS = new Map([
  [solveQuestion.method, MINUTE],
  [preflightQuestion.method, 2 * MINUTE],
  [devicesQuestion.method, MINUTE],
  [generateQuestion.method, 10 * MINUTE],
  [exportQuestion.method, 10 * MINUTE],
]);
const OTHER_REQUEST_MS = 30 * SECOND;

const LIMITS: SupervisorLimits = {
  startMs: 20 * SECOND,
  requestMs: (method) => REQUEST_MS.get(method) ?? OTHER_REQUEST_MS,
  idleMs: 5 * MINUTE,
  backoffMs: [SECOND, 2 * SECOND, 4 * SECOND],
  healthyMs: MINUTE,
};

/** The worker of this extension host: a {@link Supervisor} with the editor's events, and its trouble in the log. */
export function createQuestionWorker(program: Program, log: LogOutputChannel): QuestionWorker {
  const onState = new EventEmitter<void>();
  const onGenerated = new EventEmitter<{ id: string; text: string }>();
  let told = '';
  const supervisor = new Supervisor(program, LIMITS, {
    onGenerated: (piece) => {
      onGenerated.fire(piece);
    },
    onLine: (line) => {
      log.info(`worker: ${line}`);
    },
    onState: () => {
      const { state, message } = supervisor.condition();
      const now = `${state} ${message ?? ''}`;
      if (now === told) return;
      told = now;
      if (state === 'down') log.error(message ?? 'the worker is down');
      else log.debug(`the worker is ${state}${message === null ? '' : `: ${message}`}`);
      onState.fire();
    },
  });
  return {
    onDidChangeState: onState.event,
    onGenerated: onGenerated.event,
    state: () => supervisor.condition(),
    ask: (question, params, token) => supervisor.ask(question, params, token),
    keepWarm: () => ({ dispose: supervisor.hold() }),
    restart: () => supervisor.restart(),
    dispose: () => {
      supervisor.end('the extension ends');
      onState.dispose();
      onGenerated.dispose();
    },
  };
}
