import { InputError } from '../../common/errors.js';
import { quote, quoteValue } from '../../formats/quote.js';
import type { Fields } from '../../formats/fields.js';
import type { ConfigContext } from './context.js';
import type { AttentionPart, FfnPart, LayerParts } from './parts.js';
import { denseOf, expertsOf, headsOf } from './sizes.js';
import { windowIn } from './window.js';

const NO_OP = { kind: 'no-op' } as const;
const SKIPPED = ['attention', 'mlp'] as const;

/** `per_layer_config`: by the layer's number, the fields in which it differs from the model, and the halves it skips. */
export function applyPerLayerConfig(layers: readonly LayerParts[], context: ConfigContext): LayerParts[] {
  const { fields, where } = context;
  if (!fields.has('per_layer_config')) return [...layers];
  const changes = fields.inside('per_layer_config');
  for (const key of changes.keys) {
    if (/^(0|[1-9]\d*)$/.test(key) && Number(key) < layers.length) continue;
    throw new InputError(`per_layer_config has ${quote(key)}; layers are 0 to ${layers.length - 1}`, where);
  }
  return layers.map((layer, index) => {
    if (!changes.has(String(index))) return layer;
    const own = changes.inside(String(index));
    const skipped = skippedHalves(own);
    return {
      attention: skipped.has('attention') ? NO_OP : changedAttention(own, layer.attention, context),
      ffn: skipped.has('mlp') ? NO_OP : changedFfn(own, layer.ffn, context),
    };
  });
}

function skippedHalves(own: Fields): ReadonlySet<unknown> {
  const skipped: unknown[] = own.has('skip') ? own.list('skip') : [];
  const unknown = skipped.find((half) => !SKIPPED.some((name) => name === half));
  if (unknown !== undefined) throw own.error('skip', `not ${quoteValue(unknown)}; supported: ${SKIPPED.join(', ')}`);
  return new Set(skipped);
}

function changedAttention(own: Fields, shared: AttentionPart, context: ConfigContext): AttentionPart {
  if (shared.kind !== 'heads') return shared;
  return { ...headsOf(own, context, shared), window: windowIn(own, context) ?? shared.window };
}

function changedFfn(own: Fields, shared: FfnPart, context: ConfigContext): FfnPart {
  if (shared.kind === 'dense') return denseOf(own, context, shared);
  return shared.kind === 'experts' ? expertsOf(own, context, shared) : shared;
}
