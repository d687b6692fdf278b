import type { HalfReport, LayerReport } from '../search/report.js';
import { renderTable } from './render-table.js';
import { significant } from '../common/units.js';

const CELLS = 12;
/** A cell filled by 1/8, 2/8, … of its width. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** A bar whose length is a share (0 to 1) of `CELLS`. */
export function bar(share: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * CELLS * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}

/** The bar and the name of one half. A linear layer is no part of what was there, so it is drawn otherwise. */
function cell({ name, kept }: HalfReport): string {
  const drawn = name === 'linear' ? '▒'.repeat(Math.max(1, Math.round(Math.min(1, kept) * CELLS))) : bar(kept);
  return `${drawn.padEnd(CELLS, '·')} ${name}`;
}

/** The architecture, one line a layer. */
export function renderMap(layers: readonly LayerReport[]): string {
  const rows = layers.map(({ attention, ffn, score }, layer) => [
    String(layer).padStart(5),
    cell(attention),
    cell(ffn),
    score === 0 ? '0' : significant(score),
  ]);
  return renderTable(['layer', 'attention', 'FFN', 'score'], rows, { textColumns: 3 });
}
