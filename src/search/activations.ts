import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../common/errors.js';
import { bytes } from '../common/units.js';
import { removeArtifact } from '../run/artifacts.js';
import type { Stage } from '../run/events.js';
import { taskKey } from '../run/task-key.js';
import type { ActivationsPayload } from './activation-pass.js';
import type { SearchContext, TaskRequest } from './context.js';
import type { PackedData, Split } from './data.js';
import { runInOrder } from './tasks.js';

/** Layers first..end-1. */
export interface LayerRange {
  first: number;
  end: number;
}

/** What the activations of a split are for. */
const STAGE_OF = { train: 'distil', validation: 'score', test: 'evaluate' } as const satisfies Record<Split, Stage>;

const F16_BYTES = 2;

/** The embedding, as the layer before the first. */
const EMBEDDING = -1;

/** Beside the layers of a round: the one before, from which they are made, and the last, which scoring compares with. */
const KEPT_BESIDE = 2;

/**
 * The parent's hidden states on one split, layer by layer, in the run directory. Each layer runs over all tokens from the
 * stored states of the one before, so that one layer and one window of activations are in memory, whatever the depth: in
 * that of a task process, which ends with the last layer and gives back what it kept of each. On disk are the layers
 * asked for; others stay only as long as the cache has no limit, and are made again when they are needed, with the same
 * bytes.
 */
export class Activations {
  /** Tokens, a multiple of the sequence length. */
  readonly tokens: number;
  readonly sequenceLength: number;
  /** The stream after the embedding and after each layer: layers + 1 files. */
  readonly hidden: string[];
  /** The stream between the attention and the FFN of each layer. */
  readonly middle: string[];
  /** Per layer, a JSON file with the mean |activation| of every FFN channel of the parent; empty for a no-op FFN. It stays. */
  readonly channels: string[];
  /** Layers that the cache holds at the same time, one range after the other. */
  readonly rounds: LayerRange[];
  private readonly sequences: number;
  private readonly last: number;

  /** Throws InputError when there is too little text, or the limit of the cache is too low for any work. */
  constructor(
    private readonly context: SearchContext,
    private readonly data: PackedData,
    private readonly split: Split,
    maxTokens: number,
  ) {
    const { sequenceLength, sequences: available } = data.splits[split];
    this.sequenceLength = sequenceLength;
    this.sequences = Math.min(available, Math.ceil(maxTokens / sequenceLength));
    if (split === 'train' && this.sequences < 2) {
      throw new InputError(
        `too little text: distillation needs two sequences of ${sequenceLength} tokens, one of them held out; add text or shorten the sequences`,
        [context.spec.data.text].flat().join(', '),
      );
    }
    this.tokens = this.sequences * sequenceLength;
    const layers = context.parent.config.layers.length;
    this.last = layers - 1;
    const all = Array.from({ length: layers }, (_, layer) => layer);
    this.hidden = [EMBEDDING, ...all].map((layer) => this.fileOf(layer, 'out.f16'));
    this.middle = all.map((layer) => this.fileOf(layer, 'middle.f16'));
    this.channels = all.map((layer) => context.run.path(`activations/${split}/channels${this.nameOf(layer)}.json`));
    const size = this.roundSize();
    this.rounds = Array.from({ length: Math.ceil(layers / size) }, (_, i) => ({
      first: i * size,
      end: Math.min(layers, (i + 1) * size),
    }));
  }

  /**
   * What enters, and what is within, the layers of one of the rounds is on disk when this returns, and for scoring what
   * leaves the last layer; what the cache has no room for beside them is not.
   */
  async need({ first, end }: LayerRange): Promise<void> {
    const final = this.split === 'validation';
    if (final && !this.isThere(this.last)) await this.stream(this.last, this.last);
    await this.stream(first - 1, end - 1, final);
  }

  /** The files of `channels` are there when this returns: what was distilled with another number of threads left others. */
  async needChannels(): Promise<void> {
    if (this.channels.every((file) => existsSync(file))) return;
    for (const round of this.rounds) await this.need(round);
    await this.release();
  }

  /** Removes everything that can be made again, if the cache has a limit: the next split needs the room. */
  async release(): Promise<void> {
    await this.removeExcept(() => false);
  }

  /** Makes the layers from..to, beginning after the nearest layer that is there. */
  private async stream(from: number, to: number, keepLast = false): Promise<void> {
    const wanted = (layer: number) => (layer >= from && layer <= to) || (keepLast && layer === this.last);
    let nearest = from;
    while (nearest > EMBEDDING && !this.isThere(nearest)) nearest--;
    await this.removeExcept((layer) => wanted(layer) || layer === nearest);
    const missing = this.layers().filter((layer) => layer >= nearest && layer <= to && !this.isThere(layer));
    const steps = missing.map((layer) => ({
      task: this.task(layer),
      afterwards: () => this.removeExcept((other) => wanted(other) || other === layer, [layer - 1]),
    }));
    await runInOrder(this.context, STAGE_OF[this.split], steps);
  }

  private task(layer: number): TaskRequest {
    const { context, data, split, sequences, sequenceLength } = this;
    const artifact = this.artifactOf(layer);
    const work: ActivationsPayload['work'] =
      layer === EMBEDDING
        ? { text: data.splits[split] }
        : { layer, hidden: this.hidden[layer] ?? '', channelsFile: this.channels[layer] ?? '', sequenceLength };
    const payload: ActivationsPayload = {
      parentDir: context.spec.parent,
      work,
      sequences,
      threads: context.threads,
      output: { dir: context.run.path(artifact), artifact },
    };
    const label = `activations (${split}): ${layer === EMBEDDING ? 'embedding' : `layer ${layer}`}`;
    return { key: this.keyOf(layer), kind: 'activations', label, payload, cost: 1 };
  }

  private keyOf(layer: number): string {
    const { context, data, split, sequences } = this;
    const { threads, parentHash: parent } = context;
    return taskKey('activations', { threads, parent, data: data.key, split, sequences, layer, channels: 'apart' });
  }

  private nameOf(layer: number): string {
    return `${layer}-${this.keyOf(layer).slice(0, 8)}`;
  }

  private artifactOf(layer: number): string {
    return `activations/${this.split}/layer${this.nameOf(layer)}`;
  }

  private fileOf(layer: number, name: string): string {
    return path.join(this.context.run.path(this.artifactOf(layer)), name);
  }

  private isThere(layer: number): boolean {
    return this.context.run.finished(this.keyOf(layer)) !== undefined;
  }

  /** A key whose artifact is gone counts as not finished: that is how a layer is made again. */
  private async removeExcept(
    stays: (layer: number) => boolean,
    layers: readonly number[] = this.layers(),
  ): Promise<void> {
    if (this.context.budgets.cacheBytes === Infinity) return;
    for (const layer of layers) {
      if (layer >= EMBEDDING && !stays(layer)) await removeArtifact(this.context.run.path(this.artifactOf(layer)));
    }
  }

  private layers(): number[] {
    return this.hidden.map((_, i) => i + EMBEDDING);
  }

  private roundSize(): number {
    const { cacheBytes } = this.context.budgets;
    const layerBytes = 2 * F16_BYTES * this.tokens * this.context.parent.config.hiddenSize;
    const room = Math.floor(cacheBytes / layerBytes) - KEPT_BESIDE;
    if (room >= 1) return Math.min(room, this.last + 1);
    throw new InputError(
      `${bytes(cacheBytes)} are too little for the activations of ${this.tokens} tokens (${this.split}): allow ${bytes((KEPT_BESIDE + 1) * layerBytes)}, or use fewer tokens`,
      'cacheMiB',
    );
  }
}
