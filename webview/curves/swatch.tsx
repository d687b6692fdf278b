import type { CurveStyle } from './styles.js';

/** A piece of a curve as it is drawn, beside its name. */
export function Swatch({ style: { color, dash } }: { style: CurveStyle }) {
  return (
    <svg class="curve-swatch" viewBox="0 0 24 8" aria-hidden="true">
      <line x1="0" y1="4" x2="24" y2="4" style={{ stroke: color }} stroke-dasharray={dash.join(' ')} />
    </svg>
  );
}
