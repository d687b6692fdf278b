// The program of the process in which llama.cpp runs: a fault in native code ends this process and no other.
import { messageOf } from '../../common/errors.js';
import { Random } from '../../common/random.js';
import { type Addon, loadLlamaCpp } from './addon.js';
import { LoadedModel } from './loaded-model.js';
import type { Handlers, Question, Reply } from './requests.js';

/** What llama.cpp has complained of since the last question. */
let complaints: string[] = [];
let addon: Promise<Addon> | undefined;
const models = new Map<number, LoadedModel>();

function modelOf(number: number): LoadedModel {
  const model = models.get(number);
  if (model === undefined) throw new Error(`no model ${number} is open`);
  return model;
}

const HANDLERS: Handlers = {
  open: async (options) => {
    addon ??= loadLlamaCpp((line) => complaints.push(line.trim()));
    const number = Math.max(-1, ...models.keys()) + 1;
    models.set(number, await LoadedModel.open(await addon, options));
    return number;
  },
  close: async ({ model }) => {
    await modelOf(model).close();
    models.delete(model);
    return null;
  },
  tokenize: ({ model, text }) => Promise.resolve(modelOf(model).tokenize(text)),
  logProbabilities: ({ model, ids }) => modelOf(model).logProbabilities(ids),
  greedy: ({ model, ids, count }) => modelOf(model).greedy(ids, count),
  round: async ({ models: numbers, lengths, vocabSize }) => {
    const seconds = [];
    for (const number of numbers) {
      const random = Random.of(1, 'prompt');
      seconds.push(await modelOf(number).time(lengths, () => random.below(vocabSize)));
    }
    return seconds;
  },
};

async function reply({ kind, args }: Question): Promise<Reply> {
  complaints = [];
  try {
    const handler = HANDLERS[kind] as (args: Question['args']) => Promise<unknown>;
    return { answer: await handler(args) };
  } catch (error) {
    return { error: [messageOf(error), ...complaints].join('; ') };
  }
}

process.on('message', (question: Question) => {
  void reply(question).then((said) => process.send?.(said));
});
// Ctrl-C reaches every process of a terminal; whether to stop is decided by the one that asks.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
