import { join } from 'node:path';
import { MAX_CONFIG_BYTES } from '../formats/hf-config.js';
import { readJsonFile } from '../formats/json-file.js';
import { BYTES_PER_VALUE } from '../model/accounting.js';
import { type DescribedConfig, readConfigMap } from '../model/config-map.js';
import { storedDtype } from '../model/config-map/storage.js';
import type { Answer } from './command.js';
import { renderTable } from './render-table.js';
import { bytes, count } from '../common/units.js';

export interface Inspection {
  /** `model_type`, as the config says. */
  family: string;
  layers: number;
  /** The most query heads and key-value heads that an attention has (0: no attention at all); null where not told. */
  heads: { attention: number | null; kv: number | null };
  /** Null where some part of the model cannot be counted; the notes say which. */
  parameters: number | null;
  /** Of the weights, stored as config.json says; null where parameters or storage are not known. */
  bytes: number | null;
  /** Names per layer; an FFN's percentage is that of the model's widest: a config alone knows no parent. */
  choices: { attention: string; ffn: string }[];
  /** What the config leaves open, and what the numbers mean; absent where there is nothing to say. */
  notes?: string[];
}

/** What a model is, by the parsed JSON of its config alone; any family. Errors as those of `describeConfig`. */
export function inspectConfig(json: unknown, where: string): Inspection {
  return inspectionOf(readConfigMap(json, where));
}

function inspectionOf({ map, parts, context }: DescribedConfig): Inspection {
  const { parameters } = map.totals;
  const dtype = storedDtype(context.fields);
  const kvHeads = parts.map(({ attention }) => (attention.kind === 'heads' ? attention.kvHeads : 0));
  return {
    family: map.family,
    layers: map.layers.length,
    heads: {
      attention: map.heads,
      kv: kvHeads.reduce((most, heads) => (most === null || heads === null ? null : Math.max(most, heads)), 0),
    },
    parameters,
    bytes: parameters === null || dtype === null ? null : parameters * BYTES_PER_VALUE[dtype],
    choices: map.layers.map(({ attention, ffn }) => ({ attention: attention.name, ffn: ffn.name })),
    ...(map.notes.length === 0 ? {} : { notes: map.notes }),
  };
}

/** `puzzle inspect MODEL_DIR`. */
export async function inspect(dir: string): Promise<Answer> {
  const path = join(dir, 'config.json');
  const described = readConfigMap(await readJsonFile(path, MAX_CONFIG_BYTES), path);
  const inspection = inspectionOf(described);
  return { json: inspection, text: renderInspection(inspection, described) };
}

function renderInspection({ heads, choices, notes = [], ...model }: Inspection, described: DescribedConfig): string {
  const { map, parts, context } = described;
  const widths = parts.map(({ ffn }) => (ffn.kind === 'dense' ? (ffn.width ?? 0) : 0));
  const facts = [
    `${model.family}: ${model.layers} layers, hidden size ${known(map.hiddenSize)}, vocabulary ${known(context.vocabSize)}`,
    `${known(heads.attention)} attention heads of ${known(described.heads.headDim)}, at most ${known(heads.kv)} key-value heads`,
    ...(Math.max(0, ...widths) > 0 ? [`widest FFN ${count(Math.max(...widths))} channels`] : []),
    `${parameterText(described)}, ${storageText(model.bytes, described)}`,
  ];
  const rows = choices.map(({ attention, ffn }, layer) => [String(layer), attention, ffn]);
  const table = renderTable(['layer', 'attention', 'FFN'], rows, { textColumns: 3 });
  return `${facts.join('\n')}\n${notes.map((note) => `note: ${note}\n`).join('')}\n${table}\n`;
}

function known(value: number | null): string {
  return value === null ? 'unknown' : count(value);
}

function parameterText({ map: { totals } }: DescribedConfig): string {
  if (totals.parameters !== null) return `${count(totals.parameters)} parameters`;
  return totals.known === 0 ? 'parameters unknown' : `at least ${count(totals.known)} parameters`;
}

function storageText(stored: number | null, { context }: DescribedConfig): string {
  const dtype = storedDtype(context.fields);
  return stored === null || dtype === null ? 'bytes unknown' : `${bytes(stored)} as ${dtype}`;
}
