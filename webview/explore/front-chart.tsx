import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { FrontPoint } from '../../src/protocol/solution.js';
import { metricWords } from '../constraints/metrics.js';
import { depthStyle } from '../curves/styles.js';
import { Swatch } from '../curves/swatch.js';
import { resolveColor, themeRevision } from '../curves/theme.js';
import { usePlot } from '../curves/use-plot.js';
import { significant } from '../ui/format.js';
import { type FrontAxis, firstLimits, type FrontLine, frontLines, pointAt, valueText } from './front-lines.js';
import type { Present } from './front-text.js';

const HEIGHT = 220;
/** Two figures on the axis stand at least so far apart (pixels). */
const TICK_SPACE = 90;

interface FrontChartProps {
  points: readonly FrontPoint[];
  axes: readonly FrontAxis[];
  present: Present;
  /** All that the drawing tells, for those who do not see it; the table has the points themselves. */
  label: string;
  onUse: (point: FrontPoint) => void;
}

/** Draws the objective over the limit, a line for each value of a second; the point under the pointer can be clicked. */
export function FrontChart({ points, axes, present, label, onUse }: FrontChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const theme = themeRevision().value;
  const lines = useMemo(() => frontLines(points), [points]);
  const latest = useRef({ present, lines, onUse });
  latest.current = { present, lines, onUse };
  const [first, second] = axes;
  const metric = first?.range.metric ?? '';

  const plot = usePlot(
    frame,
    HEIGHT,
    (element) => {
      const options = plotOptions(element, metric, lines.length, () => latest.current.present);
      return new uPlot(options, dataOf(latest.current.lines), element);
    },
    [metric, lines.length, theme],
  );
  useEffect(() => {
    plot.current?.setData(dataOf(lines));
  }, [lines]);
  useEffect(() => {
    // With the paths as they are: made anew, they would take the place of scales that are still on their way.
    plot.current?.redraw(false);
  }, [present.limit, present.objective]);

  return (
    <>
      <div
        ref={frame}
        class="chart front-chart"
        role="img"
        aria-label={label}
        onClick={() => {
          const point = plot.current && pointUnder(plot.current, latest.current.lines);
          if (point) latest.current.onUse(point);
        }}
      />
      {second !== undefined && (
        <ul class="front-legend small" aria-label={metricWords(second.range.metric).name}>
          {lines.map((line, index) => (
            <li key={index}>
              <Swatch style={depthStyle(index, lines.length - 1)} /> {valueText(second, line.second ?? 0)}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** The point nearest to the pointer among those at its value of the first limit. */
function pointUnder(plot: uPlot, lines: readonly FrontLine[]): FrontPoint | undefined {
  const { idx, top = 0 } = plot.cursor;
  const first = typeof idx === 'number' ? firstLimits(lines)[idx] : undefined;
  if (first === undefined) return undefined;
  const objective = plot.posToVal(top, 'y');
  const distance = (point: FrontPoint): number => Math.abs(point.objective - objective);
  return lines.flatMap((line) => pointAt(line, first) ?? []).toSorted((a, b) => distance(a) - distance(b))[0];
}

function dataOf(lines: readonly FrontLine[]): uPlot.AlignedData {
  const values = firstLimits(lines);
  return [values, ...lines.map((line) => values.map((value) => pointAt(line, value)?.objective ?? null))];
}

function plotOptions(element: HTMLElement, metric: string, lines: number, present: () => Present): uPlot.Options {
  const { fontFamily } = getComputedStyle(element);
  const color = (name: string): string => resolveColor(element, `var(${name})`);
  const line = color('--grid');
  const mark = color('--text-strong');
  const axis: uPlot.Axis = {
    ...{ stroke: color('--text-muted'), font: `11px ${fontFamily}` },
    ...{ grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 } },
  };
  const { text: amount } = metricWords(metric);
  return {
    width: Math.max(1, element.clientWidth),
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 9 } },
    scales: { x: { time: false } },
    axes: [
      { ...axis, size: 28, space: TICK_SPACE, values: (_plot, ticks) => ticks.map(amount) },
      { ...axis, size: 56, values: (_plot, ticks) => ticks.map(significant) },
    ],
    series: [
      {},
      ...Array.from({ length: lines }, (_, index) => {
        const style = depthStyle(index, lines - 1);
        const stroke = resolveColor(element, style.color);
        return { stroke, dash: style.dash, width: 1.5, points: { show: true, size: 5, fill: stroke } };
      }),
    ],
    hooks: {
      draw: [
        (drawn) => {
          drawPresent(drawn, present(), mark);
        },
      ],
    },
  };
}

/** The present limit as a dashed line, and the optimum on it. */
function drawPresent(plot: uPlot, { limit, objective }: Present, color: string): void {
  const { min = 0, max = 0 } = plot.scales['x'] ?? {};
  if (limit === null || limit < min || limit > max) return;
  const { ctx, bbox } = plot;
  const x = plot.valToPos(limit, 'x', true);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = color;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  if (objective !== null) {
    const y = plot.valToPos(objective, 'y', true);
    if (y >= bbox.top && y <= bbox.top + bbox.height) {
      ctx.beginPath();
      ctx.arc(x, y, 4 * devicePixelRatio, 0, 2 * Math.PI);
      ctx.fill();
    }
  }
  ctx.restore();
}
