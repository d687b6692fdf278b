import { gather, input, logSoftmax, reshape } from '../graph/primitives.js';
import { float32, int64, Session } from '../graph/session.js';
import type { Value } from '../graph/value.js';
import { head } from './blocks.js';
import { type ModelFiles, requireIds } from './hidden-states.js';
import { checkpointWeights } from './weights.js';

/** Bytes of one [rows, vocabulary] tensor inside the graph, of which it holds a few at a time. */
const LOGITS_BYTES = 16 * 1024 * 1024;
const MAX_ROWS = 256;

/** Numbers per row: from the log-probabilities [R,V] of each model to values of R elements. */
export type RowProgram = (logProbs: readonly Value[], ofTarget: (logProbs: Value) => Value) => Record<string, Value>;

/**
 * Runs the heads of one or several models over rows of hidden states, a bounded number of rows at a time whatever the
 * vocabulary, and keeps only what `program` makes of each row's log-probabilities.
 */
export class HeadRows {
  private constructor(
    private readonly session: Session,
    private readonly models: readonly ModelFiles[],
    private readonly rows: number,
    private readonly vocabulary: number,
  ) {}

  /** `models` share a vocabulary. */
  static async create(models: readonly ModelFiles[], program: RowProgram, threads: number): Promise<HeadRows> {
    const vocabulary = models[0]?.config.vocabSize ?? 0;
    const rows = Math.max(1, Math.min(MAX_ROWS, Math.floor(LOGITS_BYTES / 4 / vocabulary)));
    const targets = input('targets', [rows], 'int64');
    const logProbs = models.map(({ config, checkpoint }, i) =>
      logSoftmax(head(config, checkpointWeights(checkpoint), input(`hidden.${i}`, [rows, config.hiddenSize]))),
    );
    // `targets` are flat indices: a lookup instead of a product with one-hot rows as wide as the vocabulary.
    const ofTarget = (values: Value) => gather(reshape(values, [rows * vocabulary, 1]), targets);
    const session = await Session.create(program(logProbs, ofTarget), { threads });
    return new HeadRows(session, models, rows, vocabulary);
  }

  /** `hidden`: per model, rows [N,H]; `targets`: a token id per row. Returns N numbers per output of the program. */
  async run(hidden: readonly Float32Array[], targets: ArrayLike<number>): Promise<Record<string, Float32Array>> {
    for (const model of this.models) requireIds(targets, model);
    const results: Record<string, Float32Array> = {};
    for (let first = 0; first < targets.length; first += this.rows) {
      const count = Math.min(this.rows, targets.length - first);
      const flat = Array.from({ length: this.rows }, (_, i) => i * this.vocabulary + (targets[first + i] ?? 0));
      const feeds = Object.fromEntries(
        this.models.map(({ config }, i) => [`hidden.${i}`, this.chunk(hidden[i], first, count, config.hiddenSize)]),
      );
      const outputs = await this.session.run({ ...feeds, targets: int64(flat, [this.rows]) });
      for (const [name, { data }] of Object.entries(outputs)) {
        const all = (results[name] ??= new Float32Array(targets.length));
        for (let i = 0; i < count; i++) all[first + i] = Number(data[i]);
      }
    }
    return results;
  }

  async release(): Promise<void> {
    await this.session.release();
  }

  /** Rows first..first+count-1, followed by zeros where the graph wants more. */
  private chunk(rows: Float32Array | undefined, first: number, count: number, width: number) {
    const data = new Float32Array(this.rows * width);
    if (rows !== undefined) data.set(rows.subarray(first * width, (first + count) * width));
    return float32(data, [this.rows, width]);
  }
}
