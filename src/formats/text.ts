import { InputError } from '../common/errors.js';
import { Random } from '../common/random.js';
import { readDocuments } from './documents.js';
import type { Tokenizer } from './tokenizer.js';

export { readDocuments } from './documents.js';

export interface PackedSplit {
  sequenceLength: number;
  sequences: number;
  /** `sequences * sequenceLength` token ids. */
  tokens: Int32Array;
  /** Documents that begin in the split. */
  documents: number;
}

const SPLITS = ['train', 'validation', 'test'] as const;
type SplitName = (typeof SPLITS)[number];

export interface PackOptions {
  sequenceLength: number;
  seed: number;
  /** Tokens; each split ends with the first whole sequence that reaches its number. */
  wanted: { train: number; validation: number; test: number };
}

/** Bounds what a request may make the process hold: 2 GiB of token ids per split. */
const MAX_TOKENS_PER_SPLIT = 2 ** 29;
/** Shares of the documents. Fixed, so that a later request for more or fewer tokens finds every document where it was. */
const SHARES: Readonly<Record<SplitName, number>> = { train: 0.9, validation: 0.05, test: 0.05 };

/**
 * Packs the documents of `paths` into sequences for training, validation and test. Which split a document belongs to is
 * decided by a seeded hash of its content, so equal documents never fall into two splits, and the splits do not depend
 * on the order of the files or on how much is wanted: fewer tokens of a split are the beginning of more. Every document
 * starts with the BOS token (if there is one); documents run on from one sequence into the next. Reading stops when every
 * split has what is wanted; a text that ends earlier leaves fewer sequences. Throws InputError when a wanted split would
 * hold not even one sequence.
 */
export async function packText(
  paths: readonly string[],
  tokenizer: Tokenizer,
  options: PackOptions,
): Promise<Record<SplitName, PackedSplit>> {
  const { sequenceLength, seed, wanted } = options;
  const splits = {
    train: new Packer(sequenceLength, wanted.train),
    validation: new Packer(sequenceLength, wanted.validation),
    test: new Packer(sequenceLength, wanted.test),
  };
  let documents = 0;
  if (SPLITS.some((name) => !splits[name].isFull)) {
    for await (const document of readDocuments(paths)) {
      documents++;
      const split = splits[splitOf(document, seed)];
      if (split.isFull) continue;
      split.add(tokenizer.encode(document, { bos: true }));
      if (SPLITS.every((name) => splits[name].isFull)) break;
    }
  }
  const short = SPLITS.find((name) => wanted[name] > 0 && splits[name].tokens < sequenceLength);
  if (short !== undefined) {
    const where = paths.join(', ');
    if (documents === 0) throw new InputError('the data set is empty: no document holds any text', where);
    throw new InputError(
      `too little text: the ${short} split has ${splits[short].tokens} tokens, less than one sequence of ` +
        `${sequenceLength} (${documents} documents in all); add text, separate documents by blank lines, or shorten the sequences`,
      where,
    );
  }
  return { train: splits.train.packed(), validation: splits.validation.packed(), test: splits.test.packed() };
}

/** Where a document belongs, by its content alone. */
function splitOf(document: string, seed: number): SplitName {
  const at = Random.of(seed, 'split', document).next();
  if (at < SHARES.train) return 'train';
  return at < SHARES.train + SHARES.validation ? 'validation' : 'test';
}

/** Token ids of one split, up to the whole sequences that are wanted. */
class Packer {
  /** Token ids held. */
  tokens = 0;
  private documents = 0;
  private readonly capacity: number;
  private ids: Int32Array;

  constructor(
    private readonly sequenceLength: number,
    wanted: number,
  ) {
    if (!Number.isInteger(sequenceLength) || sequenceLength < 1 || sequenceLength > MAX_TOKENS_PER_SPLIT) {
      throw new InputError(`a sequence length of ${sequenceLength}; a whole number of tokens is expected`);
    }
    this.capacity = Math.ceil(wanted / sequenceLength) * sequenceLength;
    if (!(wanted >= 0 && this.capacity <= MAX_TOKENS_PER_SPLIT)) {
      throw new InputError(`${wanted} tokens wanted in one split; from 0 to ${MAX_TOKENS_PER_SPLIT} are possible`);
    }
    this.ids = new Int32Array(Math.min(this.capacity, 4096));
  }

  get isFull(): boolean {
    return this.tokens === this.capacity;
  }

  add(document: readonly number[]): void {
    const count = Math.min(document.length, this.capacity - this.tokens);
    const end = this.tokens + count;
    if (end > this.ids.length) {
      const grown = new Int32Array(Math.min(this.capacity, Math.max(end, this.ids.length * 2)));
      grown.set(this.ids.subarray(0, this.tokens));
      this.ids = grown;
    }
    for (let i = 0; i < count; i++) this.ids[this.tokens + i] = document[i] as number;
    this.tokens = end;
    this.documents++;
  }

  /** The whole sequences; a started one is left out. */
  packed(): PackedSplit {
    const sequences = Math.floor(this.tokens / this.sequenceLength);
    const tokens = this.ids.slice(0, sequences * this.sequenceLength);
    return { sequenceLength: this.sequenceLength, sequences, tokens, documents: this.documents };
  }
}
