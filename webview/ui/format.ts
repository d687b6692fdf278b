import * as l10n from '@vscode/l10n';
/** Numbers as people read them. Everything here is pure, and the same in every locale. */

/** Stands where there is no number. */
export const NONE = '–';

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** 1,048,576 as `1.00 MiB`: three significant digits. */
export function bytes(value: number): string {
  const power = value < 1 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(value) / 10));
  return power === 0 ? `${count(value)} B` : `${significant(value / 1024 ** power)} ${BYTE_UNITS[power] ?? ''}`;
}

/** 1234567 as `1,234,567`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Three significant digits without an exponent; whole numbers from 100 on. */
export function significant(value: number): string {
  const digits = value === 0 ? 2 : Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return digits === 0 ? count(value) : value.toFixed(digits);
}

/** A share as a percentage with one digit: `98.4%`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

/** Seconds as `35.1 ms`, `4.2 s`, `3:07 min` or `1:02:33 h`. */
export function duration(seconds: number): string {
  if (seconds > 0 && seconds < 0.1) return `${significant(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours === 0 ? `${minutes}:${two(rest)} min` : `${hours}:${two(minutes)}:${two(rest)} h`;
}

/** What is left, as coarse as it is known: `less than a minute`, `about 4 min`, `about 1 h 20 min`. */
export function remaining(seconds: number): string {
  if (seconds < 60) return l10n.t('less than a minute');
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return l10n.t('about {0} min', minutes);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return rest === 0 ? l10n.t('about {0} h', hours) : l10n.t('about {0} h {1} min', hours, rest);
}

/** A factor: `2.19×`. */
export function times(factor: number): string {
  return `${factor.toFixed(2)}×`;
}

export function tokensPerSecond(value: number): string {
  return `${count(value)} tokens/s`;
}

/** The text for one of a thing, or the text for any other number: `plural(n, l10n.t('1 layer'), l10n.t('{0} layers', n))`. */
export function plural(number: number, one: string, several: string): string {
  return number === 1 ? one : several;
}

/** The text of a number, or a dash where there is none. */
export function orNone(value: number | null | undefined, text: (value: number) => string): string {
  return value === null || value === undefined ? NONE : text(value);
}
