import { InputError } from '../common/errors.js';
import type { Fields } from './fields.js';
import { isRecord } from './json-file.js';
import { quoteValue } from './quote.js';
import { ROPE_FIELDS, ropeTypeField, SUPPORTED_ROPE_TYPES } from './rope-config.js';

export const MODEL_TYPES = ['llama', 'nemotron-nas'] as const;
export type ModelType = (typeof MODEL_TYPES)[number];

/** A field that would change what the model computes, and the values under which it computes what we compute. */
interface Requirement {
  field: string;
  /** Accepted values; an absent or null field is accepted too, unless `required`. */
  values: readonly unknown[];
  required?: boolean;
  /** What is supported, where the values do not say it. */
  supported?: string;
  /** A second field that, when false, makes this one have no effect. */
  switchedOffBy?: string;
}

const DENSE = 'only dense feed-forward layers';
const FULL_ATTENTION = 'only attention over the whole sequence';

const REQUIREMENTS: readonly Requirement[] = [
  { field: 'model_type', values: MODEL_TYPES, required: true },
  { field: 'hidden_act', values: ['silu', 'swish'] },
  { field: 'sliding_window', values: [], supported: FULL_ATTENTION, switchedOffBy: 'use_sliding_window' },
  { field: 'use_sliding_window', values: [false], supported: FULL_ATTENTION },
  { field: 'num_local_experts', values: [0, 1], supported: DENSE },
  { field: 'num_experts', values: [0, 1], supported: DENSE },
  { field: 'n_routed_experts', values: [0, 1], supported: DENSE },
  { field: 'quantization_config', values: [], supported: 'weights stored as float32, float16 or bfloat16' },
  { field: 'partial_rotary_factor', values: [1] },
  { field: 'attn_logit_softcapping', values: [], supported: 'only plain logits' },
  { field: 'final_logit_softcapping', values: [], supported: 'only plain logits' },
  { field: 'use_qk_norm', values: [false] },
  { field: 'is_encoder_decoder', values: [false] },
  { field: 'add_cross_attention', values: [false] },
  { field: 'per_layer_config', values: [], supported: 'layers that differ are read from nemotron-nas block_configs' },
];

/**
 * Requires that the configuration asks for nothing this program does not compute. The InputError lists every field that
 * does: its value and what is supported.
 */
export function requireSupported(config: Fields, where: string): ModelType {
  const problems = [
    ...REQUIREMENTS.filter((requirement) => !isMet(config, requirement)).map((requirement) =>
      describe(
        requirement.field,
        config.get(requirement.field),
        requirement.supported ?? requirement.values.join(', '),
      ),
    ),
    ...layerTypeProblems(config),
    ...blockProblems(config),
    ...ropeProblems(config),
  ];
  if (problems.length > 0) throw new InputError(`this model is not supported: ${problems.join('; ')}`, where);
  return config.oneOf('model_type', MODEL_TYPES);
}

function describe(field: string, value: unknown, supported: string): string {
  return `${field} is ${quoteValue(value)} (supported: ${supported})`;
}

function isMet(config: Fields, { field, values, required, switchedOffBy }: Requirement): boolean {
  if (switchedOffBy !== undefined && config.get(switchedOffBy) === false) return true;
  if (!config.has(field)) return required !== true;
  return values.includes(config.get(field));
}

/** Per-layer kinds of attention, where newer files list them. */
function layerTypeProblems(config: Fields): string[] {
  if (!config.has('layer_types')) return [];
  const types: unknown[] = config.list('layer_types');
  const other = types.find((type) => type !== 'full_attention');
  return other === undefined ? [] : [describe('layer_types', other, 'full_attention')];
}

/** Block lists are read in one dialect only; elsewhere, taking the model for a homogeneous one would be wrong. */
function blockProblems(config: Fields): string[] {
  if (!config.has('block_configs') || config.get('model_type') !== 'llama') return [];
  return ['block_configs is present with model_type "llama" (supported: with model_type nemotron-nas)'];
}

function ropeProblems(config: Fields): string[] {
  return ROPE_FIELDS.filter((name) => config.has(name)).flatMap((name) => {
    const fields = config.inside(name);
    const typeField = ropeTypeField(fields);
    const type = fields.get(typeField);
    const isKnown = !fields.has(typeField) || SUPPORTED_ROPE_TYPES.some((supported) => supported === type);
    const partial = fields.get('partial_rotary_factor') ?? 1;
    const perLayer = fields.keys.filter((key) => isRecord(fields.get(key)));
    return [
      ...perLayer.map((key) => describe(`${name}.${key}`, fields.get(key), 'one setting for all layers')),
      ...(isKnown ? [] : [describe(`${name}.${typeField}`, type, SUPPORTED_ROPE_TYPES.join(', '))]),
      ...(partial === 1 ? [] : [describe(`${name}.partial_rotary_factor`, partial, '1')]),
    ];
  });
}
