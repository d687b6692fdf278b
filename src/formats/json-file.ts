import { readFile, stat } from 'node:fs/promises';
import { InputError, messageOf } from '../common/errors.js';
import { quote } from './quote.js';

/** Deepest nesting accepted: model files need four levels. */
const MAX_DEPTH = 64;

/**
 * Parses JSON that came from elsewhere, strictly: valid UTF-8, nesting bounded, and no object with the same key twice
 * (`JSON.parse` keeps the last one silently, so two readers may see two different files).
 */
export function parseJsonBytes(bytes: Uint8Array, where: string): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new InputError('is not valid UTF-8; the file is damaged or not JSON', where, { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`is not valid JSON: ${quote(messageOf(error))}`, where, { cause: error });
  }
  requireUniqueKeys(text, where);
  return value;
}

/** Reads and parses a JSON file of at most `maxBytes` bytes. */
export async function readJsonFile(path: string, maxBytes: number): Promise<unknown> {
  const { size } = await statFile(path);
  if (size > maxBytes) throw new InputError(`is ${size} bytes; at most ${maxBytes} are accepted`, path);
  return parseJsonBytes(await readFile(path), path);
}

/** As `readJsonFile`, but an absent file is `undefined`. */
export async function readJsonFileIfPresent(path: string, maxBytes: number): Promise<unknown> {
  return (await isFile(path)) ? readJsonFile(path, maxBytes) : undefined;
}

/** The size of a regular file; InputError when it is absent or something else. */
export async function statFile(path: string): Promise<{ size: number }> {
  const found = await stat(path).catch((error: unknown) => {
    throw new InputError(`cannot be read: ${messageOf(error)}`, path, { cause: error });
  });
  if (!found.isFile()) throw new InputError('is not a file', path);
  return { size: found.size };
}

export async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}

/** A JSON object, not an array and not null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Walks the tokens of a text already known to be valid JSON. */
function requireUniqueKeys(text: string, where: string): void {
  /** Per open container: the keys seen so far, or undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  let expectsKey = false;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
      case '[':
        if (open.length === MAX_DEPTH) throw new InputError(`is nested deeper than ${MAX_DEPTH} levels`, where);
        expectsKey = text[at] === '{';
        open.push(expectsKey ? new Set() : undefined);
        break;
      case '}':
      case ']':
        open.pop();
        expectsKey = false;
        break;
      case ',':
        expectsKey = open.at(-1) !== undefined;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (expectsKey) {
          const key = JSON.parse(text.slice(at, end)) as string;
          const keys = open.at(-1);
          if (keys?.has(key)) throw new InputError(`has the key ${quote(key)} twice in one object`, where);
          keys?.add(key);
          expectsKey = false;
        }
        at = end - 1;
        break;
      }
      default:
        break;
    }
  }
}

/** The index just past the string literal that starts at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
