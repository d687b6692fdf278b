import { createReadStream } from 'node:fs';
import { InputError, messageOf } from '../common/errors.js';
import { statFile } from './json-file.js';

/** Longest line accepted, in UTF-16 units: a document on one line. */
export const MAX_LINE_CHARS = 16 * 1024 * 1024;

const CHUNK_BYTES = 1024 * 1024;

export interface Line {
  text: string;
  /** Counted from 1. */
  number: number;
}

/**
 * The lines of a UTF-8 file (`\n` or `\r\n`), read as they are asked for, with one line in memory at a time. Throws
 * InputError for an unreadable file, bytes that are not UTF-8, and a line beyond the cap.
 */
export async function* readLines(path: string): AsyncGenerator<Line> {
  await statFile(path);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (error) {
      throw new InputError('is not UTF-8 text; convert it to UTF-8', `${path}: line ${number}`, { cause: error });
    }
  };
  let rest = '';
  let number = 1;
  for await (const bytes of readChunks(path)) {
    const parts = (rest + decode(bytes)).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield { text: withoutReturn(part), number: number++ };
    if (rest.length > MAX_LINE_CHARS) {
      throw new InputError(`is longer than ${MAX_LINE_CHARS} characters; split it`, `${path}: line ${number}`);
    }
  }
  rest += decode();
  if (rest !== '') yield { text: withoutReturn(rest), number };
}

async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new InputError(`cannot be read: ${messageOf(error)}`, path, { cause: error });
  }
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
