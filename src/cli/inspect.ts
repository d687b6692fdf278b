import type { ModelConfig } from '../formats/hf-config.js';
import { readModelConfig } from '../formats/hf-config.js';
import { modelCosts } from '../model/accounting.js';
import { architectureNames } from '../model/variants.js';
import type { Answer } from './command.js';
import { renderTable } from './render-table.js';
import { bytes, count } from './units.js';

export interface Inspection {
  family: string;
  layers: number;
  /** Query heads of every attention, and the most key-value heads that one of them has (0: no attention at all). */
  heads: { attention: number; kv: number };
  parameters: number;
  /** Of the weights, stored as config.json says. */
  bytes: number;
  /** Names per layer; an FFN's percentage is that of the model's widest: a config alone knows no parent. */
  choices: { attention: string; ffn: string }[];
}

/** What a parent or child is, by its config alone. */
export function inspectConfig(config: ModelConfig): Inspection {
  const { parameters, weightBytes } = modelCosts(config, { weights: config.dtype, context: 1 });
  const kvHeads = config.layers.map(({ attention }) => (attention.kind === 'gqa' ? attention.kvHeads : 0));
  return {
    family: config.family,
    layers: config.layers.length,
    heads: { attention: config.heads, kv: Math.max(0, ...kvHeads) },
    parameters,
    bytes: weightBytes,
    choices: architectureNames(config.layers),
  };
}

/** `puzzle inspect MODEL_DIR`. */
export async function inspect(dir: string): Promise<Answer> {
  const config = await readModelConfig(dir);
  const inspection = inspectConfig(config);
  return { json: inspection, text: renderInspection(inspection, config) };
}

function renderInspection({ heads, choices, ...model }: Inspection, config: ModelConfig): string {
  const widths = config.layers.map(({ ffn }) => (ffn.kind === 'gated' ? ffn.width : 0));
  const facts = [
    `${model.family}: ${model.layers} layers, hidden size ${count(config.hiddenSize)}, vocabulary ${count(config.vocabSize)}`,
    `${heads.attention} attention heads of ${config.headDim}, at most ${heads.kv} key-value heads`,
    `widest FFN ${count(Math.max(0, ...widths))} channels`,
    `${count(model.parameters)} parameters, ${bytes(model.bytes)} as ${config.dtype}`,
  ];
  const rows = choices.map(({ attention, ffn }, layer) => [String(layer), attention, ffn]);
  return `${facts.join('\n')}\n\n${renderTable(['layer', 'attention', 'FFN'], rows, { textColumns: 3 })}\n`;
}
