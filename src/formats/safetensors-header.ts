import { open, type FileHandle } from 'node:fs/promises';
import { InputError } from '../common/errors.js';
import { isRecord, parseJsonBytes, statFile } from './json-file.js';
import { quote, quoteValue } from './quote.js';

/**
 * The head of a safetensors file: 8 bytes (little endian) with the length of a JSON object, the object, then the data.
 * The object maps a tensor's name to its dtype, its shape and its place in the data; `__metadata__` holds strings.
 */
export type Dtype = 'F32' | 'F16' | 'BF16';

export interface TensorEntry {
  name: string;
  dtype: Dtype;
  shape: number[];
  file: string;
  /** Absolute position of the first byte in `file`; any alignment. */
  offset: number;
  byteLength: number;
}

export const BYTES_PER_ELEMENT: Readonly<Record<Dtype, number>> = { F32: 4, F16: 2, BF16: 2 };
export const LENGTH_BYTES = 8;
export const METADATA_KEY = '__metadata__';

/** The reference implementation's own cap on the JSON header. */
export const MAX_HEADER_BYTES = 100_000_000;
export const MAX_TENSORS_PER_FILE = 1_000_000;
export const MAX_NAME_CHARS = 512;
export const MAX_RANK = 8;

/** Characters no tensor name needs: controls, invisible formatting, lone surrogates, line separators. */
const FORBIDDEN_IN_NAME = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Why `name` cannot be a tensor's name, or undefined. Letters of any script are accepted. */
export function nameProblem(name: string): string | undefined {
  if (name.length === 0) return 'an empty tensor name';
  if (name === METADATA_KEY) return `the reserved tensor name ${METADATA_KEY}`;
  if (name.length > MAX_NAME_CHARS) return `a tensor name of ${name.length} characters (at most ${MAX_NAME_CHARS})`;
  if (FORBIDDEN_IN_NAME.test(name)) return `a control or invisible character in the tensor name ${quote(name)}`;
  return undefined;
}

/** Number of elements of a shape; undefined when it is not a shape or does not fit a safe integer. */
export function elementCount(shape: unknown): number | undefined {
  if (!Array.isArray(shape) || shape.length > MAX_RANK) return undefined;
  let count = 1;
  for (const size of shape as unknown[]) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/**
 * Reads and checks the header of one file; no tensor data is read. The tensors must tile the data: each within the
 * file, none overlapping, nothing between or behind them. Throws InputError with the file and the tensor.
 */
export async function readHeader(file: string): Promise<TensorEntry[]> {
  const { size } = await statFile(file);
  const handle = await open(file, 'r');
  try {
    const { json, dataStart } = await readJson(handle, file, size);
    const tensors = Object.entries(json).filter(([name]) => name !== METADATA_KEY);
    if (tensors.length > MAX_TENSORS_PER_FILE) {
      throw new InputError(`lists ${tensors.length} tensors; at most ${MAX_TENSORS_PER_FILE} are accepted`, file);
    }
    checkMetadata(json[METADATA_KEY], file);
    const entries = tensors.map(([name, value]) => parseEntry(name, value, file, dataStart, size));
    checkTiling(entries, file, dataStart, size);
    return entries;
  } finally {
    await handle.close();
  }
}

async function readJson(
  handle: FileHandle,
  file: string,
  size: number,
): Promise<{ json: Record<string, unknown>; dataStart: number }> {
  const damaged = 'the file is truncated or not safetensors; fetch it again';
  if (size < LENGTH_BYTES) throw new InputError(`is only ${size} bytes: ${damaged}`, file);
  const length = (await readExactly(handle, file, 0, LENGTH_BYTES)).readBigUInt64LE();
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new InputError(`announces a header of ${length} bytes; at most ${MAX_HEADER_BYTES}: ${damaged}`, file);
  }
  const dataStart = LENGTH_BYTES + Number(length);
  if (dataStart > size) {
    throw new InputError(`announces a header of ${length} bytes, but the file has ${size}: ${damaged}`, file);
  }
  const bytes = await readExactly(handle, file, LENGTH_BYTES, Number(length));
  if (bytes[0] !== 0x7b) throw new InputError(`header does not start with "{": ${damaged}`, file);
  const json = parseJsonBytes(bytes, `${file}: header`);
  if (!isRecord(json)) throw new InputError('header is not a JSON object', file);
  return { json, dataStart };
}

async function readExactly(handle: FileHandle, file: string, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, offset);
  if (bytesRead !== length) throw new InputError('ended while its header was read: the file is truncated', file);
  return buffer;
}

function checkMetadata(metadata: unknown, file: string): void {
  if (metadata === undefined) return;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw new InputError(`${METADATA_KEY} must map strings to strings`, file);
  }
}

function parseEntry(name: string, value: unknown, file: string, dataStart: number, size: number): TensorEntry {
  const badName = nameProblem(name);
  if (badName !== undefined) throw new InputError(`has ${badName}`, file);
  const where = `${file}: tensor ${quote(name)}`;
  if (!isRecord(value)) throw new InputError('its header entry is not an object', where);
  const { dtype, shape, data_offsets: range } = value;
  if (typeof dtype !== 'string' || !isDtype(dtype)) {
    const supported = Object.keys(BYTES_PER_ELEMENT).join(', ');
    throw new InputError(`dtype ${quoteValue(dtype)} is not supported; supported: ${supported}`, where);
  }
  const elements = elementCount(shape);
  if (elements === undefined) {
    throw new InputError(`shape ${quoteValue(shape)} is not up to ${MAX_RANK} sizes with a countable product`, where);
  }
  if (
    !Array.isArray(range) ||
    range.length !== 2 ||
    !range.every((bound) => Number.isSafeInteger(bound) && bound >= 0)
  ) {
    throw new InputError(`data_offsets ${quoteValue(range)} are not two byte positions`, where);
  }
  const [begin, end] = range as [number, number];
  const byteLength = elements * BYTES_PER_ELEMENT[dtype];
  if (end - begin !== byteLength) {
    const needs = `shape ${quoteValue(shape)} of ${dtype} needs ${byteLength} bytes`;
    throw new InputError(`${needs}, but data_offsets ${quoteValue(range)} hold ${end - begin}`, where);
  }
  if (dataStart + end > size) {
    throw new InputError(
      `needs bytes up to ${dataStart + end}, but the file has ${size}: it is truncated; fetch it again`,
      where,
    );
  }
  return { name, dtype, shape: shape as number[], file, offset: dataStart + begin, byteLength };
}

function isDtype(text: string): text is Dtype {
  return Object.hasOwn(BYTES_PER_ELEMENT, text);
}

function checkTiling(entries: readonly TensorEntry[], file: string, dataStart: number, size: number): void {
  let covered = dataStart;
  const inOrder = [...entries].sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  for (const { name, offset, byteLength } of inOrder) {
    if (offset !== covered) {
      const fault =
        offset < covered ? 'overlaps the tensor before it' : `leaves ${offset - covered} unused bytes before it`;
      throw new InputError(`${fault}; the header is damaged`, `${file}: tensor ${quote(name)}`);
    }
    covered = offset + byteLength;
  }
  if (covered !== size) {
    throw new InputError(`has ${size - covered} bytes that belong to no tensor; the file is damaged`, file);
  }
}
