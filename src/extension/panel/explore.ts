import { askDiverse, askFront } from '../../protocol/panel.js';
import type { ParamsOf } from '../../protocol/messages.js';
import { diverseQuestion, frontQuestion, type solveQuestion } from '../../protocol/questions.js';
import type { QuestionWorker } from '../services.js';
import type { Serve } from './session.js';

/**
 * Answers what a panel asks about more than the one optimum. What the panel withdraws, the worker leaves.
 *
 * @param question what the present optimum is the answer to; throws while there is none
 */
export function serveExploring(
  serve: Serve,
  worker: Pick<QuestionWorker, 'ask'>,
  question: () => ParamsOf<typeof solveQuestion>,
): void {
  serve(askFront, (params, token) => worker.ask(frontQuestion, { ...question(), ...params }, token));
  serve(askDiverse, (params, token) => worker.ask(diverseQuestion, { ...question(), ...params }, token));
}
