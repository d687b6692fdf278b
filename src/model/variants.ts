import { InputError } from '../common/errors.js';
import type { AttentionShape, FfnShape, LayerShape, ModelConfig } from '../formats/hf-config.js';

/** One alternative for the attention of a layer; the parent's own is one too. */
export interface AttentionVariant {
  half: 'attention';
  /** `kv4`, `linear`, `no-op` */
  name: string;
  shape: AttentionShape;
}

/** One alternative for the FFN of a layer; the parent's own is one too. */
export interface FfnVariant {
  half: 'ffn';
  /** `ffn-50%` of the parent's channels in the same layer, `linear`, `no-op` */
  name: string;
  shape: FfnShape;
}

export type Variant = AttentionVariant | FfnVariant;

/** The alternatives of one layer: the parent's own first, then from the largest to none at all. */
export interface LayerVariants {
  attention: AttentionVariant[];
  ffn: FfnVariant[];
}

/** Which alternatives a search considers. */
export interface VariantSpace {
  /** `divisors`: every divisor of the parent's KV heads. */
  attention: { kvHeads: readonly number[] | 'divisors'; linear: boolean; noOp: boolean };
  /** Widths in percent of the parent's, rounded to the nearest `multiple`. */
  ffn: { percents: readonly number[]; multiple: number; linear: boolean; noOp: boolean };
}

/** Enough for any width below 2^24: three digits of percent take seven decimals at most. */
const MAX_DECIMALS = 9;

/** The alternatives of every layer. Throws InputError where the space asks for KV heads that no layer can give. */
export function enumerateVariants(config: ModelConfig, space: VariantSpace): LayerVariants[] {
  checkKvHeads(config, space);
  return config.layers.map((parent) => ({
    attention: attentionShapes(parent.attention, space).map((shape) => ({
      half: 'attention',
      name: attentionName(shape),
      shape,
    })),
    ffn: ffnShapes(parent.ffn, space).map((shape) => ({ half: 'ffn', name: ffnName(shape, parent.ffn), shape })),
  }));
}

function attentionShapes(parent: AttentionShape, { attention }: VariantSpace): AttentionShape[] {
  const shapes: AttentionShape[] = [parent];
  if (parent.kind === 'gqa') {
    const wanted = attention.kvHeads === 'divisors' ? divisors(parent.kvHeads) : attention.kvHeads;
    const smaller = wanted.filter((kvHeads) => kvHeads < parent.kvHeads && parent.kvHeads % kvHeads === 0);
    shapes.push(...descending(smaller).map((kvHeads): AttentionShape => ({ kind: 'gqa', kvHeads })));
    if (attention.linear) shapes.push({ kind: 'linear' });
  }
  if (parent.kind !== 'no-op' && attention.noOp) shapes.push({ kind: 'no-op' });
  return shapes;
}

function ffnShapes(parent: FfnShape, { ffn }: VariantSpace): FfnShape[] {
  const shapes: FfnShape[] = [parent];
  if (parent.kind === 'gated') {
    const widths = ffn.percents.map((percent) => roundedWidth(parent.width, percent, ffn.multiple));
    const smaller = widths.filter((width) => width < parent.width);
    shapes.push(...descending(smaller).map((width): FfnShape => ({ kind: 'gated', width })));
    if (ffn.linear) shapes.push({ kind: 'linear' });
  }
  if (parent.kind !== 'no-op' && ffn.noOp) shapes.push({ kind: 'no-op' });
  return shapes;
}

function checkKvHeads(config: ModelConfig, { attention }: VariantSpace): void {
  if (attention.kvHeads === 'divisors') return;
  const own = config.layers.flatMap((layer) => (layer.attention.kind === 'gqa' ? [layer.attention.kvHeads] : []));
  for (const kvHeads of attention.kvHeads) {
    if (own.length === 0 || own.some((parent) => parent % kvHeads === 0)) continue;
    const possible = descending(own.flatMap(divisors)).join(', ');
    throw new InputError(
      `${kvHeads} KV heads cannot be pooled from the parent's ${descending(own).join(', ')}; possible: ${possible}`,
      'space.attention.kvHeads',
    );
  }
}

/** `percent` of a width, rounded to the nearest multiple, at least one multiple. */
export function roundedWidth(parentWidth: number, percent: number, multiple: number): number {
  return Math.max(1, Math.round((parentWidth * percent) / 100 / multiple)) * multiple;
}

/** `kv4`, `linear`, `no-op` */
export function attentionName(shape: AttentionShape): string {
  return shape.kind === 'gqa' ? `kv${shape.kvHeads}` : shape.kind;
}

/**
 * `ffn-50%`, `linear`, `no-op`. The percentage is that of the actual width, with as few decimals as still say exactly
 * which width it is: 88 of 172 channels are `ffn-51%`, whatever was asked for before rounding to a multiple.
 */
export function ffnName(shape: FfnShape, parent: FfnShape): string {
  if (shape.kind !== 'gated') return shape.kind;
  const parentWidth = widthOf(parent);
  for (let decimals = 0; decimals <= MAX_DECIMALS; decimals++) {
    const percent = Number(((100 * shape.width) / parentWidth).toFixed(decimals));
    if (widthOfPercent(percent, parentWidth) === shape.width) return `ffn-${percent}%`;
  }
  throw new Error(`a width of ${shape.width} has no percentage of ${parentWidth}`);
}

/** The inverse of `attentionName`; undefined for anything that is no such name. */
export function parseAttentionName(name: string): AttentionShape | undefined {
  if (name === 'linear' || name === 'no-op') return { kind: name };
  const kvHeads = /^kv([1-9]\d{0,6})$/.exec(name)?.[1];
  return kvHeads === undefined ? undefined : { kind: 'gqa', kvHeads: Number(kvHeads) };
}

/** The inverse of `ffnName` with the same parent; undefined for anything that is no such name. */
export function parseFfnName(name: string, parent: FfnShape): FfnShape | undefined {
  if (name === 'linear' || name === 'no-op') return { kind: name };
  const percent = /^ffn-(\d{1,9}(?:\.\d{1,9})?)%$/.exec(name)?.[1];
  if (percent === undefined || parent.kind !== 'gated') return undefined;
  const width = widthOfPercent(Number(percent), parent.width);
  return width < 1 ? undefined : { kind: 'gated', width };
}

/**
 * The names of an architecture, per layer. Percentages are those of `parent`'s layers; without it (a child alone), of the
 * widest FFN that the model itself has.
 */
export function architectureNames(
  layers: readonly LayerShape[],
  parent?: readonly LayerShape[],
): { attention: string; ffn: string }[] {
  const widths = layers.flatMap(({ ffn }) => (ffn.kind === 'gated' ? [ffn.width] : []));
  const widest: FfnShape = { kind: 'gated', width: Math.max(1, ...widths) };
  return layers.map(({ attention, ffn }, layer) => ({
    attention: attentionName(attention),
    ffn: ffnName(ffn, parent?.[layer]?.ffn ?? widest),
  }));
}

function widthOf(shape: FfnShape): number {
  if (shape.kind !== 'gated') throw new Error(`a ${shape.kind} FFN has no width`);
  return shape.width;
}

function widthOfPercent(percent: number, parentWidth: number): number {
  return Math.round((percent * parentWidth) / 100);
}

function divisors(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1).filter((divisor) => n % divisor === 0);
}

/** Each number once, the largest first. */
function descending(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => b - a);
}
