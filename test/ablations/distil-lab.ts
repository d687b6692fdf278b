import path from 'node:path';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import { enumerateVariants, type Variant } from '../../src/model/variants.js';
import { createRun } from '../../src/run/run.js';
import { Activations } from '../../src/search/activations.js';
import { createContext, type TaskContext } from '../../src/search/context.js';
import { packData } from '../../src/search/data.js';
import { type DistilPayload, type DistilResult, distilTask } from '../../src/search/distil.js';
import { heldOutSequences } from '../../src/search/distil-windows.js';
import { momentsTask } from '../../src/search/moments-task.js';
import { parseSpec } from '../../src/search/spec.js';

/** How a variant is distilled. */
export interface DistilSettings {
  /** Tokens that its closed form is fitted to; undefined: it starts from the paper's initial values. */
  closedFormTokens?: number;
  /** Tokens of training by gradient, 0 for none. */
  tokens: number;
  learningRate?: number;
}

/** One variant of the parent; its held-out losses are comparable whatever the settings. */
export interface DistilSubject {
  layer: number;
  variant: Variant;
  distil: (settings: DistilSettings) => Promise<DistilResult>;
}

export interface DistilLabSpec {
  parent: string;
  data: { text: string };
  /** Calibration tokens: one in sixteen is held out. */
  distinctTokens: number;
}

/**
 * The trainable variants of a parent, to be distilled one by one in this process: BLD from the paper's start and from the
 * closed form, with any number of tokens, on the same calibration text. `dir` becomes a run directory.
 */
export async function distilSubjects(
  dir: string,
  { parent, data, distinctTokens }: DistilLabSpec,
): Promise<DistilSubject[]> {
  const distil = { distinctTokens };
  const text = JSON.stringify({ parent, data, distil, uptrain: { tokens: 0 }, threads: 1 });
  const spec = parseSpec(text, 'distil lab');
  const run = await createRun(dir, { spec });
  const context = await createContext(run, spec, () => Promise.reject(new Error('no task processes here')));
  const packed = await packData(context);
  const activations = new Activations(context, packed, 'train', context.budgets.calibrationTokens);
  for (const round of activations.rounds) await activations.need(round);
  const bench = new Bench(dir, context.parent.config, parent, activations, context.budgets.distilBatch);
  return enumerateVariants(context.parent.config, spec.space).flatMap(({ attention, ffn }, layer) =>
    [...attention.slice(1), ...ffn.slice(1)]
      .filter(({ shape }) => shape.kind !== 'no-op')
      .map((variant) => ({ layer, variant, distil: (settings) => bench.distil(layer, variant, settings) })),
  );
}

/** Distils variants on one set of activations; moments that are there already are not gathered again. */
class Bench {
  private readonly gathered = new Map<string, Promise<unknown>>();
  private readonly task: TaskContext = { signal: new AbortController().signal, progress: () => undefined };

  constructor(
    private readonly dir: string,
    private readonly config: ModelConfig,
    private readonly parentDir: string,
    private readonly activations: Activations,
    private readonly batch: number,
  ) {}

  async distil(layer: number, variant: Variant, settings: DistilSettings): Promise<DistilResult> {
    const { activations, batch } = this;
    const { half, name, shape } = variant;
    const { sequenceLength } = activations;
    const { tokens, learningRate = 2e-3, closedFormTokens } = settings;
    const file = path.join(this.dir, 'variant.safetensors');
    const payload: DistilPayload = {
      ...{ parentDir: this.parentDir, layer, half, variant: name, shape },
      inputFile: this.inputOf(layer, half),
      targetFile: activations.hidden[layer + 1] ?? '',
      channelsFile: activations.channels[layer] ?? '',
      ...{ sequences: activations.tokens / sequenceLength, sequenceLength, batch },
      ...{ tokens, learningRate, seed: 1 },
      moments: closedFormTokens === undefined ? undefined : await this.moments(layer, half, closedFormTokens),
      output: { file, artifact: file },
    };
    return (await distilTask(payload, this.task)).result as DistilResult;
  }

  private inputOf(layer: number, half: Variant['half']): string {
    return (half === 'attention' ? this.activations.hidden : this.activations.middle)[layer] ?? '';
  }

  private async moments(layer: number, half: Variant['half'], tokens: number): Promise<DistilPayload['moments']> {
    const { sequenceLength } = this.activations;
    const sequences = this.activations.tokens / sequenceLength;
    const heldOut = heldOutSequences(sequences, this.batch);
    const used = Math.min(sequences - heldOut, Math.ceil(tokens / sequenceLength));
    const inputFile = this.inputOf(layer, half);
    const source = { inputFile, hiddenSize: this.config.hiddenSize, sequences, heldOut, used, sequenceLength };
    const dir = path.join(this.dir, 'moments', `${layer}-${half}-${used}`);
    const channelsFile = this.activations.channels[layer] ?? '';
    const payload = { parentDir: this.parentDir, layer, half, source, channelsFile, output: { dir, artifact: dir } };
    const known = this.gathered.get(dir) ?? momentsTask(payload, this.task);
    this.gathered.set(dir, known);
    await known;
    return { dir, source };
  }
}
