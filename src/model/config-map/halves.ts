import type { ConfigContext } from './context.js';
import type { BlockKind, HalfMap, LayerMap } from './map.js';
import { attentionParameters, ffnParameters, kvBytesPerToken } from './parameters.js';
import type { AttentionPart, FfnPart, LayerParts } from './parts.js';
import { attentionWords, ffnWords, type Words } from './words.js';

/** A half with what it is measured by among the halves of its model. */
interface Measured {
  part: AttentionPart | FfnPart;
  parameters: number | null;
  /** Parameters, or else what the config gives of its size; null where that is nothing. */
  size: number | null;
  words: Words;
}

/** The layers of a config as a map shows them, each half relative to the largest such half of the model. */
export function mapLayers(layers: readonly LayerParts[], context: ConfigContext): LayerMap[] {
  const { family, hiddenSize } = context;
  const widest = Math.max(1, ...layers.map(({ ffn }) => (ffn.kind === 'dense' ? (ffn.width ?? 1) : 1)));
  const attention = halfMaps(
    layers.map(({ attention: part }) =>
      measure(part, attentionParameters(part, context), attentionWords(part, hiddenSize)),
    ),
  );
  const ffn = halfMaps(
    layers.map(({ ffn: part }) => measure(part, ffnParameters(part, context), ffnWords(part, widest, hiddenSize))),
  );
  return layers.flatMap((layer, index) => {
    const [own, other] = [attention[index], ffn[index]];
    if (own === undefined || other === undefined) return [];
    return [{ attention: own, ffn: other, kvBytesPerToken: kvBytesPerToken(layer.attention, family), score: null }];
  });
}

function measure(part: AttentionPart | FfnPart, parameters: number | null, words: Words): Measured {
  return { part, parameters, size: parameters ?? givenSize(part), words };
}

function halfMaps(halves: readonly Measured[]): HalfMap[] {
  const largest = Math.max(0, ...halves.map(({ parameters }) => parameters ?? 0));
  const largestOfKind = new Map<string, number>();
  for (const { part, size } of halves) {
    largestOfKind.set(part.kind, Math.max(largestOfKind.get(part.kind) ?? 0, size ?? 0));
  }
  return halves.map(({ part, parameters, size, words }) => {
    const ofKind = share(size, largestOfKind.get(part.kind) ?? 0);
    const kept = parameters === null ? ofKind : share(parameters, largest);
    return { ...words, kind: kindOf(part, size, ofKind), kept, parameters };
  });
}

/** What is not known at all is drawn whole. */
function share(part: number | null, whole: number): number {
  if (part === null) return 1;
  return whole === 0 ? 0 : part / whole;
}

function kindOf({ kind }: AttentionPart | FfnPart, size: number | null, shareOfKind: number): BlockKind {
  if (kind !== 'heads' && kind !== 'dense') return kind;
  if (size === null) return 'other';
  return shareOfKind < 1 ? 'reduced' : 'full';
}

/** Something that grows with the parameters of a half whose parameters cannot be counted. */
function givenSize(part: AttentionPart | FfnPart): number | null {
  switch (part.kind) {
    case 'heads':
      return part.kvHeads;
    case 'dense':
      return part.width;
    case 'experts':
      return part.count * (part.width ?? 1);
    case 'linear':
    case 'mamba':
    case 'other':
    case 'no-op':
      return null;
  }
}
