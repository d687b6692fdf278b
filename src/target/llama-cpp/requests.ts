import type { OpenOptions, PassLengths, RoundSeconds } from './loaded-model.js';

/** One round over several models: each in turn, all alike. */
export interface RoundRequest {
  /** Numbers of open models. */
  models: readonly number[];
  lengths: PassLengths;
  /** Of the models' vocabularies, the smallest: tokens are drawn from these. */
  vocabSize: number;
}

/** What the process of llama.cpp can be asked, and what it answers. Plain JSON. */
export interface Requests {
  /** Answers with the number of the open model. */
  open: [OpenOptions, number];
  close: [{ model: number }, null];
  tokenize: [{ model: number; text: string }, number[]];
  logProbabilities: [{ model: number; ids: readonly number[] }, number[][]];
  greedy: [{ model: number; ids: readonly number[]; count: number }, number[]];
  round: [RoundRequest, RoundSeconds[]];
}

export type Handlers = { [K in keyof Requests]: (args: Requests[K][0]) => Promise<Requests[K][1]> };

export interface Question {
  kind: keyof Requests;
  args: Requests[keyof Requests][0];
}

export type Reply = { answer: unknown } | { error: string };
