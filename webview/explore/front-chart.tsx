import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { FrontPoint } from '../../src/protocol/solution.js';
import { metricWords } from '../constraints/metrics.js';
import { resolveColor, themeRevision } from '../curves/theme.js';
import { usePlot } from '../curves/use-plot.js';
import { significant } from '../ui/format.js';
import type { Present } from './front-text.js';

const HEIGHT = 220;
/** Two figures on the axis stand at least so far apart (pixels). */
const TICK_SPACE = 90;

interface FrontChartProps {
  points: readonly FrontPoint[];
  metric: string;
  present: Present;
  /** All that the drawing tells, for those who do not see it; the table has the points themselves. */
  label: string;
  onUse: (point: FrontPoint) => void;
}

/** Draws the objective over the limit; the point under the pointer can be clicked. */
export function FrontChart({ points, metric, present, label, onUse }: FrontChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const theme = themeRevision().value;
  const latest = useRef({ present, points, onUse });
  latest.current = { present, points, onUse };

  const plot = usePlot(
    frame,
    HEIGHT,
    (element) => {
      const options = plotOptions(element, metric, () => latest.current.present);
      return new uPlot(options, dataOf(latest.current.points), element);
    },
    [metric, theme],
  );
  useEffect(() => {
    plot.current?.setData(dataOf(points));
  }, [points]);
  useEffect(() => {
    // With the paths as they are: made anew, they would take the place of scales that are still on their way.
    plot.current?.redraw(false);
  }, [present.limit, present.objective]);

  return (
    <div
      ref={frame}
      class="chart front-chart"
      role="img"
      aria-label={label}
      onClick={() => {
        const index = plot.current?.cursor.idx;
        const point = typeof index === 'number' ? ordered(latest.current.points)[index] : undefined;
        if (point !== undefined) latest.current.onUse(point);
      }}
    />
  );
}

/** By rising limits, as an axis needs them. */
function ordered(points: readonly FrontPoint[]): FrontPoint[] {
  return points.toSorted((a, b) => a.limit - b.limit);
}

function dataOf(points: readonly FrontPoint[]): uPlot.AlignedData {
  const all = ordered(points);
  return [all.map(({ limit }) => limit), all.map(({ objective }) => objective)];
}

function plotOptions(element: HTMLElement, metric: string, present: () => Present): uPlot.Options {
  const { fontFamily } = getComputedStyle(element);
  const color = (name: string): string => resolveColor(element, `var(${name})`);
  const line = color('--grid');
  const curve = color('--vscode-charts-blue');
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
    series: [{}, { stroke: curve, width: 1.5, points: { show: true, size: 5, fill: curve } }],
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
