import { InputError } from '../common/errors.js';

/** What `puzzle solve` is told beside a run or a library file. */
export interface SolveFlags {
  library?: string;
  /** Hardware profiles and files: targets in place of the run's own. */
  target?: string[];
  constraint?: string[];
  pin?: string[];
  ban?: string[];
  /** Ranges of layers that must be alike; of a library file only, as the three that follow. */
  same?: string[];
  maxShapes?: string;
  gap?: string;
  maxMilliseconds?: string;
  /** Of a Puzzletron working directory: the metric that is the score, args of the cost table, the file to write. */
  metric?: string;
  stats?: string[];
  out?: string;
  explain?: boolean;
  front?: string[];
  points?: string;
  diverse?: string;
  overlap?: string;
}

/** Throws InputError for a text that is not a whole number of at least `least`. */
export function wholeNumber(text: string, least: number, flag: string): number {
  const value = atLeast(text, least, flag);
  if (Number.isInteger(value)) return value;
  throw new InputError(`is "${text.slice(0, 80)}"; it must be a whole number`, flag);
}

/** Throws InputError for a text that is not a number of at least `least`. */
export function atLeast(text: string, least: number, flag: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw new InputError(`is "${text.slice(0, 80)}"; it must be a number of at least ${least}`, flag);
}
