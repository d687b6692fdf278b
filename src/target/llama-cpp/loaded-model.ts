import type { Workload } from '../../model/accounting.js';
import { STEPS_PER_ROUND } from '../interleave.js';
import type { Addon, AddonContext, AddonModel } from './addon.js';

/** How a model is opened: everything that its KV cache and its threads depend on. */
export interface OpenOptions {
  /** A GGUF file. */
  file: string;
  /** Sequences at once. */
  sequences: number;
  /** Tokens of each. */
  capacity: number;
  threads: number;
  /** All in single precision. By default llama.cpp keeps keys and values, and computes attention, in half precision. */
  exact: boolean;
}

/** Tokens of each sequence. */
export type PassLengths = Pick<Workload, 'prefill' | 'generated'>;

/** What one round found; as `Timings` of the other engine, one number each. */
export interface RoundSeconds {
  prefill: number;
  decode: number;
}

/** ggml's numbers of types. */
const [F32, F16] = [0, 1];
/** Tokens that go through llama.cpp at once: the default of its server. */
const MAX_BATCH = 512;
/** llama.cpp rounds a sequence's part of the cache up to this. */
const CELLS_STEP = 256;

/** A GGUF model in llama.cpp, with room for a number of sequences. */
export class LoadedModel {
  private constructor(
    private readonly addon: Addon,
    private readonly model: AddonModel,
    private readonly context: AddonContext,
    private readonly sequences: number,
  ) {}

  static async open(addon: Addon, { file, sequences, capacity, threads, exact }: OpenOptions): Promise<LoadedModel> {
    const model = new addon.AddonModel(file, { gpuLayers: 0, useMmap: true });
    if (!(await model.init())) throw new Error(`llama.cpp could not load ${file}`);
    const context = new addon.AddonContext(model, {
      contextSize: sequences * Math.ceil(capacity / CELLS_STEP) * CELLS_STEP,
      batchSize: MAX_BATCH,
      sequences,
      threads,
      flashAttention: exact ? false : 'auto',
      kvCacheKeyType: exact ? F32 : F16,
      kvCacheValueType: exact ? F32 : F16,
    });
    if (!(await context.init())) throw new Error(`llama.cpp could not make room for ${sequences} x ${capacity} tokens`);
    return new LoadedModel(addon, model, context, sequences);
  }

  /** Token ids of a text, in which names of special tokens stand for those; none is put around it. */
  tokenize(text: string): number[] {
    return Array.from(this.model.tokenize(text, true));
  }

  /** The log-probability of each token of the vocabulary after each of `ids`: rows by position. */
  async logProbabilities(ids: readonly number[]): Promise<number[][]> {
    this.forget();
    const rows: number[][] = [];
    for (let first = 0; first < ids.length; first += MAX_BATCH) {
      const tokens = Uint32Array.from(ids.slice(first, first + MAX_BATCH));
      rows.push(...(await this.run(first, tokens, tokens.keys())).map(({ logProbabilities }) => logProbabilities));
    }
    return rows;
  }

  /** The likeliest continuation by so many tokens. */
  async greedy(ids: readonly number[], count: number): Promise<number[]> {
    this.forget();
    const made: number[] = [];
    let [next] = await this.run(0, Uint32Array.from(ids), [ids.length - 1]);
    while (next !== undefined && made.push(next.likeliest) < count) {
      [next] = await this.run(ids.length + made.length - 1, Uint32Array.of(next.likeliest), [0]);
    }
    return made;
  }

  /**
   * What one prefill of every sequence takes, and one decode step of all of them, on tokens that `token` gives. llama.cpp's
   * threads wait for each other by spinning, so that whatever else wants a core for a moment stops them all: such
   * disturbances only ever add, and what counts is the least of several passes that are alike. A prefill has one for every
   * few sequences. A step takes the longer the more it looks back on: those timed are the middle ones of the workload,
   * which take what all take on average; the tokens before them are read in like a prompt. As llama.cpp's own benchmark has
   * it, logits are made of the last token of each sequence, and nothing is sampled.
   */
  async time({ prefill, generated }: PassLengths, token: () => number): Promise<RoundSeconds> {
    this.forget();
    const perSequence = await this.feed(0, prefill, token);
    const steps = Math.min(generated, STEPS_PER_ROUND);
    const before = Math.floor((generated - steps) / 2);
    if (before > 0) await this.feed(prefill, before, token);
    const decode: number[] = [];
    for (let step = 0; step < steps; step++) {
      const start = performance.now();
      await this.feed(prefill + before + step, 1, token);
      decode.push((performance.now() - start) / 1000);
    }
    return { prefill: this.sequences * Math.min(...perSequence), decode: steps === 0 ? 0 : Math.min(...decode) };
  }

  async close(): Promise<void> {
    await this.context.dispose();
    await this.model.dispose();
  }

  private forget(): void {
    for (let sequence = 0; sequence < this.sequences; sequence++) this.context.disposeSequence(sequence);
  }

  /**
   * `count` tokens for each sequence from a position on: whole sequences together, as many as fit a batch. Answers with the
   * seconds of each such group by its sequences.
   */
  private async feed(position: number, count: number, token: () => number): Promise<number[]> {
    const seconds: number[] = [];
    const piece = Math.min(count, MAX_BATCH);
    const together = Math.floor(MAX_BATCH / piece);
    for (let sequence = 0; sequence < this.sequences; sequence += together) {
      const last = Math.min(this.sequences, sequence + together);
      const start = performance.now();
      for (let first = 0; first < count; first += piece) {
        const size = Math.min(piece, count - first);
        const logits = first + size === count ? Uint32Array.of(size - 1) : new Uint32Array();
        this.context.initBatch((last - sequence) * size);
        for (let at = sequence; at < last; at++) {
          this.context.addToBatch(at, position + first, Uint32Array.from({ length: size }, token), logits);
        }
        await this.context.decodeBatch();
      }
      seconds.push((performance.now() - start) / 1000 / (last - sequence));
    }
    return seconds;
  }

  private async run(position: number, tokens: Uint32Array, logitsOf: Iterable<number>) {
    this.context.initBatch(tokens.length);
    const places = this.context.addToBatch(0, position, tokens, Uint32Array.from(logitsOf));
    await this.context.decodeBatch();
    const sampler = new this.addon.AddonSampler(this.model);
    try {
      sampler.applyConfig({ temperature: 0 });
      const rows = [];
      for (const place of places) {
        const [likeliest, pairs] = await this.context.sampleToken(place, sampler, true);
        const logProbabilities: number[] = [];
        for (let i = 0; i < pairs.length; i += 2) {
          logProbabilities[pairs[i] as number] = Math.log(pairs[i + 1] as number);
        }
        rows.push({ likeliest, logProbabilities });
      }
      return rows;
    } finally {
      sampler.dispose();
    }
  }
}
