/** Numbers as people read them. Everything here is pure, and the same in every locale. */

/** Bytes of each unit in which people give sizes. */
export const BYTE_SIZES: Readonly<Record<string, number>> = {
  ...{ B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
  ...{ KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
};

/** A regular expression for the texts that `parseBytes` understands: a number above 0 and a unit. */
export const BYTES_PATTERN = new RegExp(`^(?=[0.]*[1-9])(\\d+(?:\\.\\d+)?)\\s*(${Object.keys(BYTE_SIZES).join('|')})$`);

/** `1.5 GiB` as bytes; undefined where it is not understood. */
export function parseBytes(text: string): number | undefined {
  const [, digits, unit = ''] = BYTES_PATTERN.exec(text) ?? [];
  const size = BYTE_SIZES[unit];
  return digits === undefined || size === undefined ? undefined : Math.floor(Number(digits) * size);
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** 1,048,576 as `1.00 MiB`: three significant digits. */
export function bytes(value: number): string {
  const power = value < 1 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(value) / 10));
  return power === 0 ? `${value} B` : `${significant(value / 1024 ** power)} ${BYTE_UNITS[power] ?? ''}`;
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
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours === 0 ? `${minutes}:${two(rest)} min` : `${hours}:${two(minutes)}:${two(rest)} h`;
}

/** A factor: `2.19x`. */
export function times(factor: number): string {
  return `${factor.toFixed(2)}x`;
}

/** `1 thread`, `2 threads`. */
export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}
