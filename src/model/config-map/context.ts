import { InputError } from '../../common/errors.js';
import { Fields } from '../../formats/fields.js';
import { MAX_LAYERS, MAX_VOCABULARY, MAX_WIDTH } from '../../formats/hf-config.js';
import { quoteValue } from '../../formats/quote.js';
import { type Family, familyOf } from './families.js';

/** What every part of a config is read with. */
export interface ConfigContext {
  /** The fields of the language model: the file's own, or those of its `text_config`. */
  fields: Fields;
  where: string;
  /** True where the file describes further parts beside the language model. */
  isNested: boolean;
  /** `model_type`, or what else the file calls itself. */
  modelType: string;
  /** Undefined where the tensors of the family are not known. */
  family: Family | undefined;
  layerCount: number;
  hiddenSize: number | null;
  vocabSize: number | null;
}

const LAYER_COUNT = ['num_hidden_layers', 'n_layer', 'n_layers', 'num_layers'];
const HIDDEN_SIZE = ['hidden_size', 'n_embd', 'd_model'];
/** Field names of those that describe several models in one file, the language model among them. */
const LANGUAGE_MODEL = ['text_config', 'llm_config', 'language_config'];
const MAX_NAME_CHARS = 80;

/** What a config is, before its layers. Throws InputError where the number of layers is absent, or a size is no size. */
export function readContext(json: unknown, where: string): ConfigContext {
  const file = new Fields(json, where);
  const inside = hasAny(file, LAYER_COUNT) ? undefined : LANGUAGE_MODEL.find((name) => file.has(name));
  const fields = inside === undefined ? file : file.inside(inside);
  const modelType = nameOf(fields) ?? nameOf(file) ?? 'unknown';
  const family = familyOf(modelType);
  const layerCount = wholeNumber({ family }, fields, LAYER_COUNT, { max: MAX_LAYERS });
  if (layerCount === null) {
    throw new InputError('has no num_hidden_layers: this is no config of a model made of layers', where);
  }
  return {
    ...{ fields, where, modelType, family, layerCount },
    isNested: inside !== undefined,
    hiddenSize: wholeNumber({ family }, fields, HIDDEN_SIZE, { max: MAX_WIDTH }),
    vocabSize: wholeNumber({ family }, fields, ['vocab_size'], { max: MAX_VOCABULARY }),
  };
}

/**
 * The whole number in the first of the fields that is there, within the rule (at least 1 by default); null where none
 * is. What is there must be such a number; only in a family that is not known may it be something that this program does
 * not understand.
 */
export function wholeNumber(
  { family }: Pick<ConfigContext, 'family'>,
  fields: Fields,
  names: readonly string[],
  rule: { min?: number; max: number },
): number | null {
  const name = names.find((candidate) => fields.has(candidate));
  if (name === undefined) return null;
  if (family === undefined && typeof fields.get(name) !== 'number') return null;
  return fields.integer(name, rule);
}

/** A name that the config gives, as it may be shown. */
export function shownName(value: unknown): string {
  return typeof value === 'string' && /^[\w.-]+$/.test(value) && value.length <= MAX_NAME_CHARS
    ? value
    : quoteValue(value);
}

export function hasAny(fields: Fields, names: readonly string[]): boolean {
  return names.some((name) => fields.has(name));
}

/** A list with one entry per layer must have as many. */
export function requireLength(name: string, length: number, layerCount: number, where: string): void {
  if (length === layerCount) return;
  throw new InputError(`${name} has ${length} entries, but there are ${layerCount} layers`, where);
}

function nameOf(fields: Fields): string | undefined {
  if (fields.has('model_type')) return shownName(fields.get('model_type'));
  const architectures = fields.get('architectures');
  return Array.isArray(architectures) && architectures.length > 0 ? shownName(architectures[0]) : undefined;
}
