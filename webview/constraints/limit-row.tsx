import * as l10n from '@vscode/l10n';
import { useState } from 'preact/hooks';
import type { SpecView } from '../../src/protocol/panel.js';
import type { MetricRange } from '../../src/protocol/solution.js';
import { Button } from '../ui/button.js';
import { Dropdown } from '../ui/dropdown.js';
import { Slider } from '../ui/slider.js';
import { TextField } from '../ui/text-field.js';
import {
  fromBase,
  isRelative,
  type Limit,
  limitText,
  parseLimit,
  rangeText,
  readLimit,
  shownAmount,
  toBase,
  unitsOf,
  usualLimit,
} from './limit-text.js';
import { metricWords } from './metrics.js';
import { SLIDER_STEPS, sliderPosition, sliderValue } from './slider-scale.js';
import { type LimitDraft, useLimitDraft } from './use-limit-draft.js';

interface LimitRowProps {
  limit: SpecView['limits'][number];
  /** What the metric can be at all; undefined until the run knows. */
  range: MetricRange | undefined;
}

const SIDES = { '<=': l10n.t('at most'), '>=': l10n.t('at least') } as const;

/** One limit of the spec: a field with its unit and, where its range is known, a slider. */
export function LimitRow({ limit: written, range }: LimitRowProps) {
  const { metric } = written;
  const { name } = metricWords(metric);
  const draft = useLimitDraft(written);
  const limit = readLimit(metric, draft.text);
  return (
    <li class="limit">
      <span class="limit-name">{name}</span>
      <span class="limit-side muted">{SIDES[limit?.relation ?? usualLimit(metric).relation]}</span>
      <LimitField {...{ metric, draft, limit, range }} problem={written.problem} />
      <Button
        appearance="icon"
        icon="trash"
        onClick={() => {
          draft.commit(null);
        }}
      >
        {l10n.t('{0}: remove the limit', name)}
      </Button>
      {range !== undefined && limit !== null && <LimitSlider {...{ metric, draft, limit, range }} />}
      <p class="limit-note muted small">
        {range === undefined
          ? l10n.t('What can be reached is known once the run has measured.')
          : reachText(metric, limit, range)}
      </p>
    </li>
  );
}

/** What the metric can be, what the parent has, and what a relative limit comes to. */
function reachText(metric: string, limit: Limit | null, range: MetricRange): string {
  const { text } = metricWords(metric);
  const reach = rangeText(metric, limit?.unit ?? usualLimit(metric).unit, range);
  const parent = text(range.parent);
  return limit !== null && isRelative(limit.unit)
    ? l10n.t('reachable: {0}; parent: {1}; limit: {2}', reach, parent, text(toBase(metric, limit, range)))
    : l10n.t('reachable: {0}; parent: {1}', reach, parent);
}

interface LimitFieldProps {
  metric: string;
  draft: LimitDraft;
  limit: Limit | null;
  range: MetricRange | undefined;
  /** What the host says of the text in the spec. */
  problem: string | null;
}

function LimitField({ metric, draft, limit, range, problem }: LimitFieldProps) {
  const { name } = metricWords(metric);
  const given = limit ?? usualLimit(metric);
  // What is being typed; null while nothing is.
  const [typed, setTyped] = useState<string | null>(null);
  const understood = typed === null ? limit : parseLimit(metric, typed, given);
  const problems = [
    ...(understood === null ? [notUnderstood(metric, typed ?? draft.text, given.unit, range)] : []),
    ...(understood !== null && range !== undefined && isOutOfReach(metric, understood, range)
      ? [l10n.t('Out of reach: it can be {0}.', rangeText(metric, understood.unit, range))]
      : []),
  ];
  return (
    <div
      class="limit-field"
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        setTyped(null);
        draft.revert();
      }}
    >
      <TextField
        label={l10n.t('{0}: {1}, in {2}', name, SIDES[given.relation], unitName(given.unit))}
        size={7}
        value={typed ?? (limit === null ? draft.text : String(limit.value))}
        problem={draft.refused ?? problems[0] ?? (typed === null ? problem : null)}
        onInput={(value) => {
          setTyped(value);
          const next = parseLimit(metric, value, given);
          if (next !== null) draft.preview(limitText(metric, next));
        }}
        onChange={(value) => {
          const next = parseLimit(metric, value, given);
          if (next === null || typed === null) return;
          setTyped(null);
          draft.commit(limitText(metric, next));
        }}
      />
      <Dropdown
        label={l10n.t('{0}: unit of the limit', name)}
        value={given.unit}
        options={unitsOf(metric).map((unit) => ({ value: unit, text: unitName(unit) }))}
        disabled={range === undefined || limit === null}
        onChange={(unit) => {
          if (range === undefined || limit === null) return;
          const { relation } = limit;
          draft.commit(limitText(metric, fromBase(metric, { relation, unit }, toBase(metric, limit, range), range)));
        }}
      />
    </div>
  );
}

function LimitSlider({
  metric,
  draft,
  limit,
  range,
}: Omit<Required<LimitFieldProps>, 'problem'> & { limit: Limit; range: MetricRange }) {
  const at = (position: number): string =>
    limitText(metric, fromBase(metric, limit, sliderValue(range, position), range));
  return (
    <Slider
      label={`${metricWords(metric).name}, ${SIDES[limit.relation]}`}
      min={0}
      max={SLIDER_STEPS}
      step={1}
      value={sliderPosition(range, toBase(metric, limit, range))}
      valueText={shownAmount(metric, limit)}
      onInput={(position) => {
        draft.preview(at(position));
      }}
      onChange={(position) => {
        draft.commit(at(position));
      }}
    />
  );
}

function notUnderstood(metric: string, text: string, unit: string, range: MetricRange | undefined): string {
  const quoted = text.slice(0, 40);
  return range === undefined
    ? l10n.t('“{0}” is no number above 0, in {1}.', quoted, unitName(unit))
    : l10n.t('“{0}” is no number above 0. It can be {1}.', quoted, rangeText(metric, unit, range));
}

function isOutOfReach(metric: string, limit: Limit, range: MetricRange): boolean {
  const base = toBase(metric, limit, range);
  return limit.relation === '<=' ? base < range.min : base > range.max;
}

/** Units as people read them; the spec's own where they are the same. */
function unitName(unit: string): string {
  const names: Readonly<Record<string, string>> = {
    '%': l10n.t('% of the parent'),
    x: l10n.t('× the parent'),
    '': l10n.t('parameters'),
    K: l10n.t('thousand'),
    M: l10n.t('million'),
  };
  return names[unit] ?? unit;
}
