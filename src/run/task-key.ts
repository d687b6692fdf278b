import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Deeper values are a mistake (a cycle, most likely). */
const MAX_DEPTH = 64;
const KEY_LENGTH = 32;

/**
 * JSON with the keys of every object in code unit order and members that are `undefined` left out: equal values, equal
 * text.
 *
 * @throws TypeError on what JSON cannot hold faithfully (NaN, infinities, functions, class instances, typed arrays).
 */
export function canonicalJson(value: unknown, indent?: number): string {
  return JSON.stringify(ordered(value, '$', 0), null, indent);
}

function ordered(value: unknown, where: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new TypeError(`${where}: nested more than ${MAX_DEPTH} deep`);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item, i) => ordered(item, `${where}[${i}]`, depth + 1));
  if (isPlainObject(value)) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    members.sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(members.map(([name, member]) => [name, ordered(member, `${where}.${name}`, depth + 1)]));
  }
  throw new TypeError(`${where}: ${describe(value)} has no place in JSON`);
}

function describe(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'object' ? 'a class instance' : `a ${typeof value}`;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * The key of a task: 32 hexadecimal digits over its kind and everything that determines its result (files as their
 * {@link fileHash}, not their paths).
 */
export function taskKey(kind: string, inputs: unknown): string {
  return createHash('sha256').update(canonicalJson({ kind, inputs })).digest('hex').slice(0, KEY_LENGTH);
}

/** SHA-256 of a file's bytes, hexadecimal. */
export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
