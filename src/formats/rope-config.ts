import { isDeepStrictEqual } from 'node:util';
import type { Fields } from './fields.js';

/**
 * How the rotary frequencies are stretched beyond the trained length: `linear` divides every position by `factor`;
 * `llama3` divides low frequencies by it, keeps high ones, and blends between the two wavelength limits.
 */
export type RopeScaling =
  | { type: 'linear'; factor: number }
  | {
      type: 'llama3';
      factor: number;
      lowFreqFactor: number;
      highFreqFactor: number;
      originalMaxPositionEmbeddings: number;
    };

export interface RopeConfig {
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
}

export const SUPPORTED_ROPE_TYPES = ['default', 'linear', 'llama3'] as const;

const DEFAULT_THETA = 10_000;
const MAX_THETA = 1e15;
const MAX_FACTOR = 1e6;
const MAX_POSITIONS = 2 ** 31;

/** The fields that may hold the scaling: the older name, and the one newer writers use, which also holds the base. */
export const ROPE_FIELDS = ['rope_scaling', 'rope_parameters'] as const;

/** The name under which `fields` (one of ROPE_FIELDS) gives its type: `rope_type`, or `type` in older files. */
export function ropeTypeField(fields: Fields): string {
  return fields.has('rope_type') || !fields.has('type') ? 'rope_type' : 'type';
}

/**
 * Reads `rope_theta` with `rope_scaling`, or `rope_parameters`, or both where they agree. Throws InputError for an
 * unsupported type, an unreadable number, or two fields that contradict each other.
 */
export function parseRope(config: Fields): RopeConfig {
  const found = ROPE_FIELDS.filter((name) => config.has(name)).map((name) => ({
    name,
    scaling: parseScaling(config.inside(name)),
  }));
  const [first, second] = found;
  if (first !== undefined && second !== undefined && !isDeepStrictEqual(first.scaling, second.scaling)) {
    throw config.error(second.name, `it contradicts ${first.name}; keep one of them`);
  }
  return { ropeTheta: parseTheta(config), ropeScaling: first?.scaling ?? null };
}

function parseTheta(config: Fields): number {
  const rule = { max: MAX_THETA, absent: DEFAULT_THETA };
  const nested = config.has('rope_parameters') ? config.inside('rope_parameters') : undefined;
  if (nested?.has('rope_theta') !== true) return config.positive('rope_theta', rule);
  const theta = nested.positive('rope_theta', rule);
  if (config.has('rope_theta') && config.get('rope_theta') !== theta) {
    throw config.error('rope_theta', `it contradicts rope_parameters.rope_theta, ${theta}; keep one of them`);
  }
  return theta;
}

function parseScaling(fields: Fields): RopeScaling | null {
  const type = fields.oneOf(ropeTypeField(fields), SUPPORTED_ROPE_TYPES, 'default');
  switch (type) {
    case 'default':
      return null;
    case 'linear':
      return { type, factor: fields.positive('factor', { max: MAX_FACTOR }) };
    case 'llama3': {
      const lowFreqFactor = fields.positive('low_freq_factor', { max: MAX_FACTOR });
      const highFreqFactor = fields.positive('high_freq_factor', { max: MAX_FACTOR });
      if (highFreqFactor <= lowFreqFactor) {
        throw fields.error('high_freq_factor', `it must be above low_freq_factor, ${lowFreqFactor}`);
      }
      return {
        type,
        factor: fields.positive('factor', { max: MAX_FACTOR }),
        lowFreqFactor,
        highFreqFactor,
        originalMaxPositionEmbeddings: fields.integer('original_max_position_embeddings', { max: MAX_POSITIONS }),
      };
    }
  }
}

/** `rope_scaling` as it is written. */
export function ropeScalingToJson(scaling: RopeScaling | null): Record<string, unknown> | null {
  if (scaling === null) return null;
  if (scaling.type === 'linear') return { factor: scaling.factor, rope_type: 'linear' };
  return {
    factor: scaling.factor,
    high_freq_factor: scaling.highFreqFactor,
    low_freq_factor: scaling.lowFreqFactor,
    original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
    rope_type: 'llama3',
  };
}
