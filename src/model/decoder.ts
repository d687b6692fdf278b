import type { ModelConfig } from '../formats/hf-config.js';
import type { Device } from '../common/devices.js';
import { argMax, constant, input, reshape, slice } from '../graph/primitives.js';
import { float32, int64, Session, type Tensor, type Tensors, zeros } from '../graph/session.js';
import type { Value } from '../graph/value.js';
import {
  type AttentionCore,
  causalAttention,
  decodeAttention,
  type DecodePosition,
  embed,
  head,
  type KeysValues,
  layerBlock,
  MASKED,
  type Weights,
} from './blocks.js';
import { ropeTables } from './rope.js';
import { layerWeights } from './weights.js';

export interface DecoderOptions {
  /** Sequences decoded together, B. */
  batch: number;
  /** Positions the KV cache has room for, C. */
  capacity: number;
  threads: number;
  /** Default: the CPU. The KV cache stays in the memory of the CPU, and crosses to the device with every step. */
  device?: Device | undefined;
  /** Whether the logits are wanted, too. Default: no. */
  logits?: boolean;
}

/** The inputs every attention of a decode step shares. */
export function decodePosition(config: ModelConfig, { batch, capacity }: DecoderOptions): DecodePosition {
  const { cos, sin } = ropeTables(config, capacity);
  const half = [capacity, config.headDim / 2];
  return {
    positions: input('positions', [batch, 1], 'int64'),
    mask: input('mask', [capacity]),
    cos: constant(cos, half),
    sin: constant(sin, half),
  };
}

/** Feeds of `decodePosition` when `past` tokens are in the cache. */
export function decodePositionFeeds({ batch, capacity }: DecoderOptions, past: number): Tensors {
  const mask = new Float32Array(capacity).fill(MASKED, past);
  return { positions: int64(new Int32Array(batch).fill(past), [batch, 1]), mask: float32(mask, [capacity]) };
}

/** The KV cache of a whole model: per attention layer, keys and values [B, kvHeads, C, headDim]. */
class KvCache {
  readonly tensors: Record<string, Tensor> = {};
  past = 0;

  /** What the tensors take, whether or not their positions are in use. */
  get bytes(): number {
    return Object.values(this.tensors).reduce((total, { data }) => total + (data as Float32Array).byteLength, 0);
  }

  constructor(
    config: ModelConfig,
    private readonly options: DecoderOptions,
  ) {
    config.layers.forEach(({ attention }, layer) => {
      if (attention.kind !== 'gqa') return;
      const shape = [options.batch, attention.kvHeads, options.capacity, config.headDim];
      for (const kind of ['keys', 'values']) this.tensors[`${kind}.${layer}`] = zeros(shape);
    });
  }

  /** Appends `count` tokens: `produced` holds `new.keys.N` and `new.values.N`, each [B, kvHeads, count, headDim]. */
  append(produced: Tensors, count: number): void {
    if (this.past + count > this.options.capacity) {
      throw new Error(`the KV cache holds ${this.options.capacity} positions, ${this.past + count} are needed`);
    }
    for (const [name, { data, shape }] of Object.entries(this.tensors)) {
      const source = produced[`new.${name}`]?.data;
      if (!(data instanceof Float32Array) || !(source instanceof Float32Array)) throw new Error(`no new ${name}`);
      const [batch = 0, heads = 0, capacity = 0, headDim = 0] = shape;
      const chunk = count * headDim;
      for (let row = 0; row < batch * heads; row++) {
        const to = (row * capacity + this.past) * headDim;
        const from = row * chunk;
        // A plain loop: for one token's few numbers it is several times faster than a subarray and a set.
        for (let i = 0; i < chunk; i++) data[to + i] = source[from + i] ?? 0;
      }
    }
    this.past += count;
  }
}

/** Greedy decoding with a KV cache, for any architecture: `prefill` once, then `step` token by token. */
export class Decoder {
  private readonly sessions = new Map<string, Session>();
  private readonly cache: KvCache;
  private lastLogits: Tensor | undefined;

  constructor(
    private readonly config: ModelConfig,
    private readonly weights: Weights,
    private readonly options: DecoderOptions,
  ) {
    this.cache = new KvCache(config, options);
  }

  /** Bytes that the KV cache takes. */
  get cacheBytes(): number {
    return this.cache.bytes;
  }

  /** Logits [B, V] of the last prefill or step. Throws unless they were asked for. */
  get logits(): Float32Array {
    const data = this.lastLogits?.data;
    if (!(data instanceof Float32Array)) throw new Error('there are no logits');
    return data;
  }

  /** Compiles ahead of time what `prefill` of this length and `step` need, so that a first use is not slower. */
  async prepare(length: number): Promise<void> {
    await this.prefillSession(length);
    await this.stepSession();
  }

  /** Starts over with ids [B*length], row-major; returns the likeliest next token of each sequence. */
  async prefill(ids: readonly number[]): Promise<number[]> {
    const length = ids.length / this.options.batch;
    const session = await this.prefillSession(length);
    this.cache.past = 0;
    return this.advance(session, { ids: int64(ids, [ids.length]) }, length);
  }

  /** Appends one token to each sequence (ids [B]); returns the likeliest next token of each. */
  async step(ids: readonly number[]): Promise<number[]> {
    const session = await this.stepSession();
    const position = decodePositionFeeds(this.options, this.cache.past);
    return this.advance(session, { ids: int64(ids, [ids.length]), ...position, ...this.cache.tensors }, 1);
  }

  async release(): Promise<void> {
    for (const session of this.sessions.values()) await session.release();
    this.sessions.clear();
  }

  private async advance(session: Session, feeds: Tensors, count: number): Promise<number[]> {
    const results = await session.run(feeds);
    this.cache.append(results, count);
    this.lastLogits = results['logits'];
    return Array.from(results['next']?.data ?? [], Number);
  }

  private async session(key: string, count: number, core: CoreOf): Promise<Session> {
    const known = this.sessions.get(key);
    if (known !== undefined) return known;
    const { threads, device = 'cpu' } = this.options;
    const session = await Session.create(this.program(count, core), { threads, device });
    this.sessions.set(key, session);
    return session;
  }

  private prefillSession(length: number): Promise<Session> {
    const batch = { config: this.config, batch: this.options.batch, sequence: length };
    return this.session(`prefill ${length}`, length, (_, produced) => causalAttention(batch, produced));
  }

  private stepSession(): Promise<Session> {
    const { config } = this;
    const { batch } = this.options;
    const position = decodePosition(config, this.options);
    return this.session('step', 1, (layer, produced) => {
      const cached = (kind: string) => input(`${kind}.${layer}`, this.cache.tensors[`${kind}.${layer}`]?.shape ?? []);
      return decodeAttention({ config, batch }, position, { keys: cached('keys'), values: cached('values') }, produced);
    });
  }

  /** ids [B*count] to `next` [B], and the new keys and values of every attention. */
  private program(count: number, coreOf: CoreOf): Record<string, Value> {
    const { config, weights } = this;
    const { batch } = this.options;
    const outputs: Record<string, Value> = {};
    let x = embed(weights, input('ids', [batch * count], 'int64'));
    config.layers.forEach((shape, layer) => {
      const produced = ({ keys, values }: KeysValues) => {
        outputs[`new.keys.${layer}`] = keys;
        outputs[`new.values.${layer}`] = values;
      };
      // A layer without attention has no cache to read.
      const core = shape.attention.kind === 'gqa' ? coreOf(layer, produced) : NO_ATTENTION;
      x = layerBlock(config, shape, layerWeights(weights, layer), core, x);
    });
    const last = slice(reshape(x, [batch, count, config.hiddenSize]), 1, count - 1, count);
    const logits = head(config, weights, reshape(last, [batch, config.hiddenSize]));
    outputs['next'] = argMax(logits);
    if (this.options.logits === true) outputs['logits'] = logits;
    return outputs;
  }
}

type CoreOf = (layer: number, produced: (tokens: KeysValues) => void) => AttentionCore;

const NO_ATTENTION: AttentionCore = () => {
  throw new Error('this layer has no attention');
};
