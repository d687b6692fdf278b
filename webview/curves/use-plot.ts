import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/**
 * A plot in an element, as wide as that.
 *
 * @param height in CSS pixels
 * @param make the plot in its element; again whenever one of `shape` is another
 */
export function usePlot(
  frame: RefObject<HTMLElement>,
  height: number,
  make: (element: HTMLElement) => uPlot,
  shape: readonly unknown[],
): RefObject<uPlot> {
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const made = make(element);
    plot.current = made;
    const resized = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height });
    });
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, shape);
  return plot;
}
