import { HALVES } from '../../model/names.js';
import type { LayerScores } from '../solve.js';

/** What each choice of an architecture does to the parent alone, and how alike those marks are. */
export interface Marks {
  /** KL of the full parent with one variant swapped in, nats/token; a variant that is not the parent's is one mark. */
  scores: readonly number[];
  /** Of what two marks add to the logits, in the metric of KL: 1 where they do the same, 0 where they do not meet. */
  cosines: readonly Float64Array[];
  /** The marks of choice j of layer l, attention and FFN; undefined where it is the parent's own. */
  of: readonly (readonly Choice[])[];
}

type Choice = readonly [attention: number | undefined, ffn: number | undefined];

/** Where the parent's own variant was not scored, or a variant scores nothing, this keeps roots and quotients finite. */
const LEAST_SCORE = 1e-9;

/** A variant by its place, as its sketch was made for it. */
export interface Sketched {
  layer: number;
  half: 'attention' | 'ffn';
  variant: string;
  sketch: Float32Array;
}

/** The marks of the choices of a program, whose names are those of its candidates. */
export function marksOf(
  candidates: readonly (readonly { attention: { name: string }; ffn: { name: string } }[])[],
  scores: readonly LayerScores[],
  sketched: readonly Sketched[],
): Marks {
  const places = new Map(sketched.map(({ layer, half, variant }, mark) => [placeOf(layer, half, variant), mark]));
  return {
    scores: sketched.map(({ layer, half, variant }) => Math.max(LEAST_SCORE, scores[layer]?.[half][variant] ?? 0)),
    cosines: cosinesOf(sketched.map(({ sketch }) => sketch)),
    of: candidates.map((choices, layer) =>
      choices.map((choice) => {
        const [attention, ffn] = HALVES.map((half) => places.get(placeOf(layer, half, choice[half].name)));
        return [attention, ffn];
      }),
    ),
  };
}

function placeOf(layer: number, half: string, variant: string): string {
  return `${layer}/${half}/${variant}`;
}

function cosinesOf(sketches: readonly Float32Array[]): Float64Array[] {
  const products = sketches.map((a, i) => Float64Array.from(sketches.slice(0, i + 1), (b) => dot(a, b)));
  const norms = products.map((row, i) => Math.sqrt(row[i] ?? 0) || 1);
  return sketches.map((_, i) =>
    Float64Array.from(sketches, (_, j) => {
      const product = products[Math.max(i, j)]?.[Math.min(i, j)] ?? 0;
      const cosine = i === j ? 1 : product / ((norms[i] ?? 1) * (norms[j] ?? 1));
      // Of marks too large to be kept nothing is known.
      return Number.isFinite(cosine) ? cosine : 0;
    }),
  );
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** The marks of an architecture, a choice per layer: one place for each half, in order. */
export function placesOf({ of }: Marks, architecture: readonly number[]): (number | undefined)[] {
  return architecture.flatMap((choice, layer) => of[layer]?.[choice] ?? []);
}
