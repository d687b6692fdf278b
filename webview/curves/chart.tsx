import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { ChartOptions } from '../state/ui-state.js';
import type { Curve } from './groups.js';
import { alignCurves } from './points.js';
import { resolveColor, themeRevision } from './theme.js';
import { usePlot } from './use-plot.js';

const HEIGHT = 260;

// An ambient constant enum: it has types, but no values to name.
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
const LOGARITHMIC = 3 as uPlot.Scale.Distr.Logarithmic;

/** On a logarithmic axis lines and figures stand at 1, 2 and 5 of each power of ten; at all ticks if those are too few. */
const LOG_STEPS = [1, 2, 5];
const logSteps = (_plot: uPlot, ticks: number[]): (number | null)[] => {
  const chosen = ticks.map((tick) => {
    const leading = Number((tick / 10 ** Math.floor(Math.log10(tick) + 1e-9)).toPrecision(6));
    return LOG_STEPS.includes(leading) ? tick : null;
  });
  return chosen.filter((tick) => tick !== null).length < 2 ? ticks : chosen;
};

interface ChartProps {
  curves: readonly Curve[];
  scale: ChartOptions['scale'];
  smoothing: number;
  /** All that the drawing tells, for those who do not see it. */
  label: string;
  /** The step under the pointer; null when it has left. */
  onPoint: (step: number | null) => void;
  /** Whether newer points wait until the pointer leaves. */
  onHeld: (held: boolean) => void;
}

/** Draws curves over their steps. While the pointer is on it, it stands still. */
export function Chart({ curves, scale, smoothing, label, onPoint, onHeld }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const hovered = useRef(false);
  const theme = themeRevision().value;
  const data = dataOf(curves, scale, smoothing);
  const latest = useRef(data);
  latest.current = data;
  const shape = JSON.stringify(curves.map(({ key, style }) => [key, style]));

  const plot = usePlot(
    frame,
    HEIGHT,
    // The curves themselves come in below; here only how many there are and how they look.
    (element) => new uPlot(plotOptions(element, curves, scale, onPoint), latest.current, element),
    [shape, scale, theme],
  );

  useEffect(() => {
    if (hovered.current) onHeld(true);
    else plot.current?.setData(data);
  }, [curves, scale, smoothing]);

  return (
    <div
      ref={frame}
      class="chart"
      role="img"
      aria-label={label}
      onPointerEnter={() => {
        hovered.current = true;
      }}
      onPointerLeave={() => {
        hovered.current = false;
        onPoint(null);
        onHeld(false);
        plot.current?.setData(latest.current);
      }}
    />
  );
}

function dataOf(curves: readonly Curve[], scale: ChartOptions['scale'], smoothing: number): uPlot.AlignedData {
  const { steps, values } = alignCurves(curves, { scale, smoothing });
  return [steps, ...values];
}

function plotOptions(
  element: HTMLElement,
  curves: readonly Curve[],
  scale: ChartOptions['scale'],
  onPoint: (step: number | null) => void,
): uPlot.Options {
  const { fontFamily } = getComputedStyle(element);
  const text = resolveColor(element, 'var(--text-muted)');
  const line = resolveColor(element, 'var(--grid)');
  const axis: uPlot.Axis = {
    ...{ stroke: text, font: `11px ${fontFamily}` },
    ...{ grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 } },
  };
  const losses: uPlot.Axis = { ...axis, size: 56, values: (_plot, ticks: (number | null)[]) => ticks.map(tickText) };
  if (scale === 'log') {
    Object.assign(losses, {
      ...{ filter: logSteps, grid: { ...axis.grid, filter: logSteps }, ticks: { ...axis.ticks, filter: logSteps } },
    });
  }
  return {
    width: Math.max(1, element.clientWidth),
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false, setScale: false }, focus: { prox: 24 }, points: { size: 6 } },
    focus: { alpha: 0.3 },
    scales: { x: { time: false }, y: scale === 'log' ? { distr: LOGARITHMIC, range: logRange } : {} },
    axes: [{ ...axis, size: 28 }, losses],
    series: [
      {},
      ...curves.map(({ name, style, series }): uPlot.Series => ({
        label: name,
        stroke: resolveColor(element, style.color),
        width: 1.5,
        dash: style.dash,
        points: { show: series.steps.length === 1 },
      })),
    ],
    hooks: {
      setCursor: [
        ({ cursor, data }) => {
          const { idx } = cursor;
          onPoint(typeof idx === 'number' ? (data[0][idx] ?? null) : null);
        },
      ],
    },
  };
}

const LOG_MARGIN = 1.15;

/** From just below the least value to just above the greatest. */
function logRange(_plot: uPlot, least: number, greatest: number): uPlot.Range.MinMax {
  // Without data both are null, whatever their type says.
  return (least as number | null) === null ? [0.1, 1] : [least / LOG_MARGIN, greatest * LOG_MARGIN];
}

/** Ticks as short as they can be said: `0.01`, `1e-7`; none for those that the axis leaves out. */
function tickText(tick: number | null): string {
  return tick === null ? '' : String(Number(tick.toPrecision(3)));
}
