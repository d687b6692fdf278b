import { useState } from 'preact/hooks';
import type { SpecView } from '../../src/protocol/panel.js';
import type { MetricName, MetricRange } from '../../src/protocol/solution.js';
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
import { METRIC_WORDS } from './metrics.js';
import { SLIDER_STEPS, sliderPosition, sliderValue } from './slider-scale.js';
import { type LimitDraft, useLimitDraft } from './use-limit-draft.js';

interface LimitRowProps {
  limit: SpecView['limits'][number];
  /** What the metric can be at all; undefined until the run knows. */
  range: MetricRange | undefined;
}

const SIDES = { '<=': 'at most', '>=': 'at least' } as const;

/** One limit of the spec: a field with its unit and, where its range is known, a slider. */
export function LimitRow({ limit: written, range }: LimitRowProps) {
  const { metric } = written;
  const { name, text } = METRIC_WORDS[metric];
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
        {`Remove the limit on ${name.toLowerCase()}`}
      </Button>
      {range !== undefined && limit !== null && <LimitSlider {...{ metric, draft, limit, range }} />}
      <p class="limit-note muted small">
        {range === undefined
          ? 'What can be reached is known once the run has measured.'
          : `reachable: ${rangeText(metric, limit?.unit ?? usualLimit(metric).unit, range)}; parent: ${text(range.parent)}`}
        {range !== undefined &&
          limit !== null &&
          isRelative(limit.unit) &&
          `; limit: ${text(toBase(metric, limit, range))}`}
      </p>
    </li>
  );
}

interface LimitFieldProps {
  metric: MetricName;
  draft: LimitDraft;
  limit: Limit | null;
  range: MetricRange | undefined;
  /** What the host says of the text in the spec. */
  problem: string | null;
}

function LimitField({ metric, draft, limit, range, problem }: LimitFieldProps) {
  const { name } = METRIC_WORDS[metric];
  const given = limit ?? usualLimit(metric);
  // What is being typed; null while nothing is.
  const [typed, setTyped] = useState<string | null>(null);
  const understood = typed === null ? limit : parseLimit(metric, typed, given);
  const problems = [
    ...(understood === null ? [notUnderstood(metric, typed ?? draft.text, given.unit, range)] : []),
    ...(understood !== null && range !== undefined && isOutOfReach(metric, understood, range)
      ? [`Out of reach: it can be ${rangeText(metric, understood.unit, range)}.`]
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
        label={`${name}: ${SIDES[given.relation]}, in ${unitName(given.unit)}`}
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
        label={`Unit of the limit on ${name.toLowerCase()}`}
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
      label={`${METRIC_WORDS[metric].name}, ${SIDES[limit.relation]}`}
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

function notUnderstood(metric: MetricName, text: string, unit: string, range: MetricRange | undefined): string {
  const fault = `“${text.slice(0, 40)}” is no number above 0`;
  return range === undefined
    ? `${fault}, in ${unitName(unit)}.`
    : `${fault}. It can be ${rangeText(metric, unit, range)}.`;
}

function isOutOfReach(metric: MetricName, limit: Limit, range: MetricRange): boolean {
  const base = toBase(metric, limit, range);
  return limit.relation === '<=' ? base < range.min : base > range.max;
}

/** Units as people read them; the spec's own where they are the same. */
function unitName(unit: string): string {
  return { '%': '% of the parent', x: '× the parent', '': 'parameters', K: 'thousand', M: 'million' }[unit] ?? unit;
}
