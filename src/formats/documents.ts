import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { InputError, messageOf } from '../common/errors.js';
import { parseJsonLine } from './json-lines.js';
import { readLines } from './lines.js';
import { quoteValue } from './quote.js';

/** A longer stretch of a .txt without a blank line is cut at a line's end, so that no document fills the memory. */
export const MAX_DOCUMENT_CHARS = 1024 * 1024;
const MAX_FOLDER_DEPTH = 32;

/** How the documents of a file are found, by the file's extension. */
const READERS: Readonly<Record<string, (path: string) => AsyncGenerator<string>>> = {
  '.txt': readParagraphs,
  '.jsonl': readJsonDocuments,
};
const SUPPORTED = Object.keys(READERS).join(', ');

/**
 * The documents of text files, in order, read as they are asked for: `.txt` (separated by blank lines), `.jsonl` (the
 * field "text" of every line), and folders of them (recursively, in the order of their names; other files and hidden
 * ones are passed over). Documents are trimmed; empty ones are left out. Throws InputError with the file and the line.
 */
export async function* readDocuments(paths: readonly string[]): AsyncGenerator<string> {
  for (const path of paths) for (const file of await textFiles(path)) yield* readFileDocuments(file);
}

async function* readFileDocuments(file: string): AsyncGenerator<string> {
  const read = READERS[extname(file)];
  if (read === undefined) throw new InputError(`is not a text file that can be read; supported: ${SUPPORTED}`, file);
  for await (const text of read(file)) {
    const document = text.trim();
    if (document !== '') yield document;
  }
}

async function textFiles(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: unknown) => {
    throw new InputError(`cannot be read: ${messageOf(error)}`, path, { cause: error });
  });
  if (!found.isDirectory()) return [path];
  const files = await filesBelow(path, 0);
  if (files.length === 0) throw new InputError(`holds no text files; supported: ${SUPPORTED}`, path);
  return files;
}

async function filesBelow(folder: string, depth: number): Promise<string[]> {
  if (depth > MAX_FOLDER_DEPTH) throw new InputError(`is nested deeper than ${MAX_FOLDER_DEPTH} folders`, folder);
  const files: string[] = [];
  const children = await readdir(folder, { withFileTypes: true });
  for (const child of children.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (child.name.startsWith('.')) continue;
    const path = join(folder, child.name);
    // Links to folders are not followed, since they may lead round in a circle.
    if (child.isDirectory()) files.push(...(await filesBelow(path, depth + 1)));
    else if (Object.hasOwn(READERS, extname(child.name))) files.push(path);
  }
  return files;
}

async function* readParagraphs(path: string): AsyncGenerator<string> {
  let lines: string[] = [];
  let chars = 0;
  for await (const { text } of readLines(path)) {
    const isBlank = text.trim() === '';
    if (isBlank || chars + text.length > MAX_DOCUMENT_CHARS) {
      yield lines.join('\n');
      lines = [];
      chars = 0;
    }
    if (isBlank) continue;
    lines.push(text);
    chars += text.length + 1;
  }
  yield lines.join('\n');
}

async function* readJsonDocuments(path: string): AsyncGenerator<string> {
  for await (const line of readLines(path)) {
    if (line.text.trim() === '') continue;
    const { text } = parseJsonLine(path, line);
    if (typeof text !== 'string') {
      throw new InputError(`"text" is ${quoteValue(text)}; a string is expected`, `${path}: line ${line.number}`);
    }
    yield text;
  }
}
