import type { Program, Row } from './program.js';

/** How far a usage may be from a multiple of the divisor (usages are at most 1): rounding, and much less than a tie. */
const CLOSE = 1e-12;
/** Smaller divisors leave no room worth taking away. */
const LEAST_DIVISOR = 1e-4;

/**
 * The program with the room of every row lowered to a total that can be reached. Bytes, parameters and the runtimes of
 * layers that are alike are multiples of something; in between lies room that no architecture can use but the linear
 * relaxation would, and that makes a proof long.
 */
export function withUsableRoom(program: Program): Program {
  return { ...program, rows: program.rows.map((row, k) => ({ ...row, room: usableRoom(program, row, k) })) };
}

function usableRoom({ layers }: Program, { room }: Row, k: number): number {
  const usages = layers.flat().map((candidate) => candidate.usage[k] as number);
  const divisor = usages.reduce(commonDivisor, 0);
  if (divisor < LEAST_DIVISOR || usages.some((usage) => distanceToMultiple(usage, divisor) > CLOSE)) return room;
  // Usages may be off by CLOSE each: what is taken away is certainly out of reach.
  const error = layers.length * CLOSE;
  return Math.min(room, Math.floor((room + error) / divisor) * divisor + error);
}

/** Euclid's algorithm for numbers that are multiples of something up to rounding. */
function commonDivisor(a: number, b: number): number {
  while (b > CLOSE) [a, b] = [b, distanceToMultiple(a, b)];
  return a;
}

function distanceToMultiple(x: number, divisor: number): number {
  return Math.abs(x - Math.round(x / divisor) * divisor);
}
