import { Fields } from '../../formats/fields.js';
import { isRecord } from '../../formats/json-file.js';
import { type ConfigContext, shownName } from './context.js';
import type { LayerMap } from './map.js';
import type { Experts, LayerParts } from './parts.js';
import { storedDtype } from './storage.js';
import { count, plural } from './words.js';

interface Described {
  context: ConfigContext;
  parts: readonly LayerParts[];
  layers: readonly LayerMap[];
}

/** What a config leaves open or what its numbers mean, in sentences; each rule gives one or none per subject. */
export function notesOf(described: Described): string[] {
  return [scope, family, absentSizes, uncounted, experts, windows, sparsity, storage].flatMap((rule) =>
    rule(described),
  );
}

function scope({ context: { isNested, fields } }: Described): string[] {
  return [
    ...(isNested ? ['Only the language model is shown; what else the file describes is not counted.'] : []),
    ...(fields.get('is_encoder_decoder') === true
      ? ['This is an encoder with a decoder; the layers of only one of them are shown.']
      : []),
  ];
}

function family({ context }: Described): string[] {
  if (context.family !== undefined) return [];
  return [
    `The tensors of the family ${context.modelType} are not known here, so parameters are not counted: what is shown are ` +
      'the sizes in the config, for all layers alike where it does not list them.',
  ];
}

function absentSizes({ context }: Described): string[] {
  if (context.family === undefined) return [];
  return (
    [
      ['hidden_size', context.hiddenSize, 'no layer can be counted'],
      ['vocab_size', context.vocabSize, 'the embeddings are not counted'],
    ] as const
  ).flatMap(([field, size, effect]) => (size === null ? [`${field} is absent: ${effect}.`] : []));
}

/** Halves of a known family that could not be counted, by the reason. */
function uncounted({ context, parts, layers }: Described): string[] {
  if (context.family === undefined || context.hiddenSize === null) return [];
  const reasons = new Map<string, number>();
  for (const [index, { attention, ffn }] of layers.entries()) {
    for (const [half, map] of [['attention', attention] as const, ['ffn', ffn] as const]) {
      const part = parts[index]?.[half];
      if (map.parameters !== null || part === undefined) continue;
      const reason = reasonOf(part, context);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  }
  return [...reasons].map(([reason, times]) => `In ${ofLayers(times, layers.length)}, ${reason}`);
}

function reasonOf(part: LayerParts['attention'] | LayerParts['ffn'], { family: known, modelType }: ConfigContext) {
  switch (part.kind) {
    case 'heads':
      return 'attention is not counted: the config does not give all of its heads, key-value heads and their size.';
    case 'experts':
      if (known?.experts === null) {
        return `experts are not counted: those of the family ${modelType} are not known here.`;
      }
      return 'experts are not counted: the config does not give their width.';
    case 'dense':
      return 'the FFN is not counted: the config does not give its width.';
    default:
      return `${'name' in part ? part.name : part.kind} is not counted: neither its parameters nor what it keeps per sequence.`;
  }
}

function experts({ parts }: Described): string[] {
  const found = parts.map(({ ffn }) => ffn).filter((ffn): ffn is Experts => ffn.kind === 'experts');
  const kinds = new Set(
    found.map(({ count: all, active }) => `${active === null ? 'some' : count(active)} of the ${count(all)}`),
  );
  return [...kinds].map((some) => `A token passes through ${some} experts of a layer; the counts are of all of them.`);
}

function windows({ parts }: Described): string[] {
  const found = parts.flatMap(({ attention }) =>
    attention.kind === 'heads' && attention.window !== null ? [attention.window] : [],
  );
  if (found.length === 0) return [];
  const tokens = [...new Set(found)].map(count).join(' or ');
  return [
    `In ${ofLayers(found.length, parts.length)}, attention reaches back ${tokens} tokens; their KV cache ends there.`,
  ];
}

function sparsity({ context: { fields } }: Described): string[] {
  const blocks: unknown = fields.get('block_configs');
  const halves = Array.isArray(blocks) ? blocks.flatMap((block) => (isRecord(block) ? Object.values(block) : [])) : [];
  const isSparse = halves.some((half) => isRecord(half) && new Fields(half, '').has('sparsify'));
  return isSparse ? ['Some halves are made sparse (sparsify); zeros are counted as parameters.'] : [];
}

function storage({ context: { fields } }: Described): string[] {
  if (storedDtype(fields) !== null) return [];
  const config: unknown = fields.get('quantization_config');
  if (!isRecord(config)) return ['The weights are stored in a way whose bytes per parameter are not known here.'];
  const method = new Fields(config, '').get('quant_method');
  const named = method === undefined ? '' : ` (${shownName(method)})`;
  return [`The weights are stored quantised${named}: the bytes of the files do not follow from the parameters.`];
}

function ofLayers(some: number, all: number): string {
  return some === all ? `all ${plural(all, 'layer')}` : `${count(some)} of ${plural(all, 'layer')}`;
}
