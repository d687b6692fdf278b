import * as l10n from '@vscode/l10n';
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

/** Name of the fact that is a text, not a number: it has the room that the others leave. */
export const SHAPE = l10n.t('shape');

/** KV cache of one token in one layer, where there is any. */
export function cacheFact({ kvBytesPerToken }: LayerMap): Fact[] {
  return fact(l10n.t('KV of a token'), kvBytesPerToken, bytes);
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
    ...fact(SHAPE, half.detail === '' ? null : half.detail, (detail) => detail),
    ...fact(l10n.t('parameters'), half.parameters, count),
    ...fact(l10n.t('kept'), ofParent ? half.kept : null, percent),
    ...(variant === null ? [] : measuredFacts(variant)),
  ];
}

function measuredFacts({
  failed,
  excluded,
  score,
  lossBefore,
  loss,
  memory,
  prefillSeconds,
  decodeSeconds,
}: VariantView): Fact[] {
  return [
    ...fact(l10n.t('training'), failed ? l10n.t('failed') : null, (text) => text),
    ...fact(l10n.t('left out'), excluded, (why) => why),
    ...fact(l10n.t('score'), score, scoreText),
    ...fact(
      l10n.t('BLD loss'),
      loss,
      (after) => (lossBefore === null ? '' : `${lossText(lossBefore)} → `) + lossText(after),
    ),
    ...fact(l10n.t('memory'), memory, bytes),
    ...fact(l10n.t('prefill'), prefillSeconds, duration),
    ...fact(l10n.t('decode'), decodeSeconds, duration),
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
  const [own, ffns] = [attention.name, ffn.name];
  return score === null
    ? l10n.t('Layer {0}: attention {1}, FFN {2}', index, own, ffns)
    : l10n.t('Layer {0}: attention {1}, FFN {2}, score {3}', index, own, ffns, scoreText(score));
}

const MARKS = ['chosen', 'pinned', 'banned'] as const;

/** What stands beside a variant, as marks and as words. */
export type VariantMarks = Record<(typeof MARKS)[number], boolean>;

const MARK_WORDS: Readonly<Record<keyof VariantMarks, string>> = {
  chosen: l10n.t('chosen'),
  pinned: l10n.t('pinned'),
  banned: l10n.t('banned'),
};

/** A variant of an open layer as it is read out: with what its columns show, and what they leave out when narrow. */
export function variantLabel(half: Half, variant: VariantView, marks: VariantMarks): string {
  const said = MARKS.flatMap((mark) => (marks[mark] ? [MARK_WORDS[mark]] : []));
  const facts = measuredFacts(variant).map(({ name, value }) => `${name} ${value.replace('→', l10n.t('to'))}`);
  return [`${HALF_NAMES[half]} ${variant.name}`, ...said, ...facts].join(', ');
}
