import type { HalfMap, LayerMap } from '../../src/protocol/architecture.js';
import type { VariantView } from '../../src/protocol/solution.js';
import { bytes, count, duration, percent, significant } from '../ui/format.js';
import { HALF_NAMES } from './summary.js';
import type { Half } from './rows.js';

/** Something known about a half of a layer: `score`, `0.00293`. */
export interface Fact {
  name: string;
  value: string;
}

/** KV cache of one token in one layer, where there is any. */
export function cacheFact({ kvBytesPerToken }: LayerMap): Fact[] {
  return fact('KV of a token', kvBytesPerToken, bytes);
}

/** What `halfFacts` knows beside the half itself. */
interface HalfContext {
  /** Measurements of this very variant; null where there are none. */
  variant: VariantView | null;
  /** Whether `kept` is a share of the parent's, not of the largest half of the model. */
  ofParent: boolean;
}

/** Everything known about a half, in the order in which it is of use. */
export function halfFacts(half: HalfMap, { variant, ofParent }: HalfContext): Fact[] {
  return [
    ...fact('shape', half.detail === '' ? null : half.detail, (detail) => detail),
    ...fact('parameters', half.parameters, count),
    ...fact('kept', ofParent ? half.kept : null, percent),
    ...(variant === null ? [] : measuredFacts(variant)),
  ];
}

function measuredFacts({
  failed,
  score,
  lossBefore,
  loss,
  memory,
  prefillSeconds,
  decodeSeconds,
}: VariantView): Fact[] {
  return [
    ...fact('training', failed ? 'failed' : null, (text) => text),
    ...fact('score', score, scoreText),
    ...fact('BLD loss', loss, (after) => (lossBefore === null ? '' : `${lossText(lossBefore)} → `) + lossText(after)),
    ...fact('memory', memory, bytes),
    ...fact('prefill', prefillSeconds, duration),
    ...fact('decode', decodeSeconds, duration),
  ];
}

function fact<Value>(name: string, value: Value | null, text: (value: Value) => string): Fact[] {
  return value === null ? [] : [{ name, value: text(value) }];
}

/** A score in three digits; nothing is nothing. */
export function scoreText(nats: number): string {
  return nats === 0 ? '0' : significant(nats);
}

export function lossText(loss: number): string {
  return loss === 0 ? '0' : significant(loss);
}

/** Parameters of a whole layer; null where those of a half are not known. */
export function layerParameters({ attention, ffn }: LayerMap): number | null {
  return attention.parameters === null || ffn.parameters === null ? null : attention.parameters + ffn.parameters;
}

/** A layer of the map as it is read out. */
export function layerLabel(index: number, { attention, ffn, score }: LayerMap): string {
  const halves = `Layer ${index}: attention ${attention.name}, FFN ${ffn.name}`;
  return score === null ? halves : `${halves}, score ${scoreText(score)}`;
}

/** What stands beside a variant, as marks and as words. */
export interface VariantMarks {
  chosen: boolean;
  pinned: boolean;
  banned: boolean;
}

/** A variant of an open layer as it is read out: with what its columns show, and what they leave out when narrow. */
export function variantLabel(half: Half, variant: VariantView, marks: VariantMarks): string {
  const said = Object.entries(marks).flatMap(([mark, set]) => (set ? [mark] : []));
  const facts = measuredFacts(variant).map(({ name, value }) => `${name} ${value.replace('→', 'to')}`);
  return [`${HALF_NAMES[half]} ${variant.name}`, ...said, ...facts].join(', ');
}
