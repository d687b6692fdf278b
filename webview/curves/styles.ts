/** How a curve is drawn: a CSS colour of the theme, and a dash, so that colour is never all that tells it apart. */
export interface CurveStyle {
  color: string;
  /** Lengths of line and gap in turns, in pixels; empty for a line without gaps. */
  dash: number[];
}

// The theme's orange is see-through in some themes and missing in others.
const COLORS = [
  ...(['--vscode-charts-blue', '--vscode-charts-green', '--vscode-charts-purple'] as const),
  ...(['--vscode-charts-red', '--vscode-charts-yellow', '--vscode-charts-foreground'] as const),
] as const;

type DashSet = readonly (readonly number[])[];
/** The first is for as many curves as there are colours, the next for as many again. */
const DASHES: Readonly<Record<'attention' | 'ffn' | 'model', DashSet>> = {
  attention: [[], [2, 3]],
  ffn: [
    [7, 4],
    [10, 3, 2, 3],
  ],
  model: [[], [7, 4], [2, 3]],
};
const DEPTH_DASHES: DashSet = [[], [7, 4], [2, 3]];

/** The style of the curve at a place of the legend. */
export function curveStyle(place: number, set: keyof typeof DASHES): CurveStyle {
  const dashes = DASHES[set];
  // Whole-model curves are few: they differ in dash from the second on. Variants differ by half first.
  const turn = set === 'model' ? place : Math.floor(place / COLORS.length);
  const color = COLORS[place % COLORS.length] ?? COLORS[0];
  return { color: `var(${color})`, dash: [...(dashes[turn % dashes.length] ?? [])] };
}

/** The style of a layer's curve among those of all layers: the colour runs from the first layer to the last. */
export function depthStyle(layer: number, deepest: number): CurveStyle {
  const share = deepest === 0 ? 0 : Math.round((100 * layer) / deepest);
  return {
    color: `color-mix(in oklab, var(--vscode-charts-yellow) ${share}%, var(--vscode-charts-blue))`,
    dash: [...(DEPTH_DASHES[layer % DEPTH_DASHES.length] ?? [])],
  };
}
