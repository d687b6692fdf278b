import type { FileHandle } from 'node:fs/promises';
import type { GgufEntry, GgufValue } from './gguf-entry.js';
import { type GgmlType, GGML_TYPES } from './gguf-tensor.js';
import { appendBytes, CHUNK_BYTES, writeWholeFile } from './whole-file.js';

export interface GgufTensor {
  name: string;
  type: GgmlType;
  /** Row-major, as everywhere here; the file holds it the other way round. */
  shape: readonly number[];
  /** The values; called once, when it is this tensor's turn. */
  data: () => Promise<Float32Array> | Float32Array;
}

const VERSION = 3;
const ALIGNMENT = 32;

/** Numbers of the format's value types. */
const VALUE_TYPES = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;

/**
 * Writes a GGUF file, version 3: whole or not at all, one tensor in memory at a time. The bytes follow from the
 * arguments; `general.architecture` is to be the first entry. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
 */
export async function writeGguf(
  path: string,
  entries: readonly GgufEntry[],
  tensors: readonly GgufTensor[],
): Promise<void> {
  const head = encodeHead(entries, tensors);
  await writeWholeFile(path, async (handle) => {
    await appendBytes(handle, head);
    for (const tensor of tensors) await writeTensor(handle, tensor);
  });
}

/** Bytes of one tensor, without what pads it. */
function byteLength({ type, shape }: GgufTensor): number {
  const { block, bytes } = GGML_TYPES[type];
  return (shape.reduce((total, size) => total * size, 1) / block) * bytes;
}

function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function encodeHead(entries: readonly GgufEntry[], tensors: readonly GgufTensor[]): Uint8Array {
  const parts = [Buffer.from('GGUF'), uint32(VERSION), uint64(tensors.length), uint64(entries.length)];
  for (const [key, value] of entries) parts.push(text(key), encodeValue(value));
  let offset = 0;
  for (const tensor of tensors) {
    const { name, shape, type } = tensor;
    parts.push(text(name), uint32(shape.length), ...shape.toReversed().map(uint64), uint32(GGML_TYPES[type].id));
    parts.push(uint64(offset));
    offset += padded(byteLength(tensor));
  }
  const head = Buffer.concat(parts);
  return Buffer.concat([head], padded(head.length));
}

function encodeValue(entry: GgufValue): Buffer {
  switch (entry.type) {
    case 'uint32':
      return Buffer.concat([uint32(VALUE_TYPES.uint32), uint32(entry.value)]);
    case 'float32':
      return Buffer.concat([uint32(VALUE_TYPES.float32), float32(entry.value)]);
    case 'bool':
      return Buffer.concat([uint32(VALUE_TYPES.bool), Buffer.from([entry.value ? 1 : 0])]);
    case 'string':
      return Buffer.concat([uint32(VALUE_TYPES.string), text(entry.value)]);
    case 'int32[]':
      return encodeArray(VALUE_TYPES.int32, entry.value, int32);
    case 'float32[]':
      return encodeArray(VALUE_TYPES.float32, entry.value, float32);
    case 'string[]':
      return encodeArray(VALUE_TYPES.string, entry.value, text);
  }
}

function encodeArray<T>(elementType: number, values: readonly T[], encode: (value: T) => Buffer): Buffer {
  const head = [uint32(VALUE_TYPES.array), uint32(elementType), uint64(values.length)];
  return Buffer.concat([...head, ...values.map(encode)]);
}

async function writeTensor(handle: FileHandle, tensor: GgufTensor): Promise<void> {
  const { name, type, shape } = tensor;
  const values = await tensor.data();
  const { bytes, block, encode } = GGML_TYPES[type];
  const length = byteLength(tensor);
  if ((values.length / block) * bytes !== length) {
    throw new Error(`tensor ${name}: ${values.length} values for shape [${shape.join(', ')}]`);
  }
  const step = CHUNK_BYTES / 4;
  for (let first = 0; first < values.length; first += step) {
    await appendBytes(handle, encode(values.subarray(first, first + step)));
  }
  await appendBytes(handle, new Uint8Array(padded(length) - length));
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint64(bytes.length), bytes]);
}
