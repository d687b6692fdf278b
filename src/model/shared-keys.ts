import { dot, product } from '../common/cholesky.js';

const MAX_ITERATIONS = 200;
const SETTLED = 1e-9;

/** A complex number for each rotary frequency of a head: real parts, then imaginary parts, [headDim]. */
export type Phases = Float64Array;

export interface KeyHeads {
  headDim: number;
  width: number;
  /** [kvHeads * headDim, width], and as the inputs see them: times the root of their Gram matrix. */
  rows: Float64Array;
  seen: Float64Array;
  /** Per KV head and frequency, how much the queries there weigh: [kvHeads][headDim / 2]. */
  weights: Float64Array[];
  /** Σ over tokens of the squares of the weighted keys. */
  energy: number;
}

export interface SharedKey {
  /** The key projection that a group shares, [headDim, width]. */
  rows: Float64Array;
  /** Per head: its own keys are near these factors times the shared ones. */
  phases: Phases[];
  /** Σ over tokens of the squared error of the weighted keys. */
  lost: number;
}

/**
 * @param key [kvHeads * headDim, width]
 * @param query [heads * headDim, width]
 * @param root L with L Lᵀ = the Gram matrix of the inputs, [width, width]
 */
export function keyHeads(
  key: Float64Array,
  query: Float64Array,
  root: Float64Array,
  { headDim, width }: { headDim: number; width: number },
): KeyHeads {
  const seenBy = (rows: Float64Array) => product(rows, root, [rows.length / width, width, width]);
  const [seen, seenQuery] = [seenBy(key), seenBy(query)];
  const [kvHeads, heads] = [key.length, query.length].map((length) => length / width / headDim) as [number, number];
  const energy = (row: number) => dot(seenQuery, row * width, seenQuery, row * width, width);
  const weights = Array.from({ length: kvHeads }, (_, kvHead) =>
    Float64Array.from({ length: headDim / 2 }, (_, i) => {
      let total = Number.MIN_VALUE;
      for (let q = (kvHead * heads) / kvHeads; q < ((kvHead + 1) * heads) / kvHeads; q++) {
        total += energy(q * headDim + i) + energy(q * headDim + i + headDim / 2);
      }
      return total;
    }),
  );
  const weighted = (head: number, i: number) =>
    dot(seen, i * width, seen, i * width, width) * (weights[head]?.[i % (headDim / 2)] ?? 0);
  const rows = Array.from({ length: key.length / width }, (_, i) => i);
  const total = rows.reduce((sum, i) => sum + weighted(Math.floor(i / headDim), i), 0);
  return { headDim, width, rows: key, seen, weights, energy: total };
}

/**
 * Rotary embedding takes rows i and i + headDim/2 of a head as one complex row and turns it by an angle, with which
 * complex factors commute. So per frequency a group of heads is a complex matrix with a row each, whose best
 * approximation of rank one is a shared row and a factor per head.
 */
export function sharedKey({ headDim, width, rows, seen, weights }: KeyHeads, group: readonly number[]): SharedKey {
  const half = headDim / 2;
  const shared = new Float64Array(headDim * width);
  const phases = group.map(() => new Float64Array(headDim));
  let lost = 0;
  for (let i = 0; i < half; i++) {
    const roots = group.map((head) => Math.sqrt(weights[head]?.[i] ?? 0));
    const at = group.map((head) => [(head * headDim + i) * width, (head * headDim + i + half) * width] as const);
    const gram = hermitian(seen, at, roots, width);
    const [first, held] = firstEigenvector(gram, group.length);
    lost += group.reduce((total, _, j) => total + (gram[j]?.[j]?.[0] ?? 0), 0) - held;
    // Factors of mean square one leave the shared keys as large as those they stand for.
    const scale = Math.sqrt(
      first.reduce((total, [re, im], j) => total + (re * re + im * im) / (roots[j] ?? 1) ** 2, 0) / group.length,
    );
    first.forEach(([re, im], j) => {
      const root = roots[j] ?? 1;
      phases[j]?.set([re / root / scale], i);
      phases[j]?.set([im / root / scale], i + half);
      const [real = 0, imaginary = 0] = at[j] ?? [];
      // The conjugate of the factor times the head's row, summed: what all of them have along the eigenvector.
      for (let k = 0; k < width; k++) {
        const [a, b] = [(rows[real + k] ?? 0) * root * scale, (rows[imaginary + k] ?? 0) * root * scale];
        const [to, toImaginary] = [i * width + k, (i + half) * width + k];
        shared[to] = (shared[to] ?? 0) + re * a + im * b;
        shared[toImaginary] = (shared[toImaginary] ?? 0) + re * b - im * a;
      }
    });
  }
  return { rows: shared, phases, lost };
}

/** Queries of one head [headDim, width], so that shared keys give the scores of that head's own: times conjugate factors. */
export function turnQuery(query: Float64Array, phases: Phases, headDim: number, width: number): Float64Array {
  const half = headDim / 2;
  return Float64Array.from(query, (value, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    const i = row % half;
    const [re, im] = [phases[i] ?? 0, phases[i + half] ?? 0];
    return row < half
      ? re * value + im * (query[(i + half) * width + column] ?? 0)
      : re * value - im * (query[i * width + column] ?? 0);
  });
}

type Complex = readonly [re: number, im: number];

/** z_j z_kᴴ of weighted complex rows. */
function hermitian(
  seen: Float64Array,
  at: readonly (readonly [number, number])[],
  roots: readonly number[],
  width: number,
): Complex[][] {
  return at.map(([a, b], j) =>
    at.map(([c, d], k): Complex => {
      const weight = (roots[j] ?? 0) * (roots[k] ?? 0);
      const part = (x: number, y: number) => dot(seen, x, seen, y, width);
      return [weight * (part(a, c) + part(b, d)), weight * (part(b, c) - part(a, d))];
    }),
  );
}

/** By power iteration from the heaviest row on: the unit eigenvector and its eigenvalue. */
function firstEigenvector(matrix: readonly (readonly Complex[])[], n: number): [Complex[], number] {
  const diagonal = matrix.map((row, j) => row[j]?.[0] ?? 0);
  let vector: Complex[] = diagonal.map((value): Complex => [value === Math.max(...diagonal) ? 1 : 0, 0]);
  let length = 0;
  for (let iteration = 0, before = -1; iteration < MAX_ITERATIONS; iteration++) {
    const next = matrix.map((row): Complex => {
      let [re, im] = [0, 0];
      for (let k = 0; k < n; k++) {
        const [[a, b], [c, d]] = [row[k] ?? [0, 0], vector[k] ?? [0, 0]];
        re += a * c - b * d;
        im += a * d + b * c;
      }
      return [re, im];
    });
    length = Math.sqrt(next.reduce((total, [re, im]) => total + re * re + im * im, 0));
    if (length === 0) return [Array.from({ length: n }, (): Complex => [n ** -0.5, 0]), 0];
    const scale = 1 / length;
    vector = next.map(([re, im]): Complex => [re * scale, im * scale]);
    if (Math.abs(length - before) <= SETTLED * length) break;
    before = length;
  }
  return [vector, length];
}
