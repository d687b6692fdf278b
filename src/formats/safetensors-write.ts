import type { FileHandle } from 'node:fs/promises';
import { f32ToBf16, f32ToF16 } from '../common/half.js';
import {
  BYTES_PER_ELEMENT,
  elementCount,
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  METADATA_KEY,
  nameProblem,
  type Dtype,
} from './safetensors-header.js';
import { appendBytes, CHUNK_BYTES, writeWholeFile } from './whole-file.js';

export interface TensorToWrite {
  name: string;
  dtype: Dtype;
  shape: number[];
  /** The values, row-major, `product(shape)` of them; called once, when it is this tensor's turn. */
  data: () => Promise<Float32Array> | Float32Array;
}

/**
 * Writes a safetensors file whose bytes depend only on the tensors and the metadata, not on the order they are given in:
 * wider dtypes first, then by name, so that every tensor is aligned to its own elements behind a header padded to 8
 * bytes. One tensor is in memory at a time, and the file appears whole or not at all.
 */
export async function writeSafetensors(
  path: string,
  tensors: TensorToWrite[],
  metadata?: Record<string, string>,
): Promise<void> {
  const ordered = [...tensors].sort(
    (a, b) => BYTES_PER_ELEMENT[b.dtype] - BYTES_PER_ELEMENT[a.dtype] || compareText(a.name, b.name),
  );
  const header = encodeHeader(ordered, metadata);
  await writeWholeFile(path, async (handle) => {
    await appendBytes(handle, header);
    for (const tensor of ordered) await writeTensor(handle, tensor);
  });
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function encodeHeader(tensors: readonly TensorToWrite[], metadata: Record<string, string> | undefined): Buffer {
  const fields = new Map<string, unknown>();
  if (metadata !== undefined) {
    fields.set(METADATA_KEY, Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => compareText(a, b))));
  }
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    const elements = elementCount(shape);
    if (elements === undefined) throw new Error(`tensor ${name}: [${shape.join(', ')}] is not a shape`);
    const problem = fields.has(name) ? `two tensors named ${name}` : nameProblem(name);
    if (problem !== undefined) throw new Error(`cannot write ${problem}`);
    const begin = end;
    end += elements * BYTES_PER_ELEMENT[dtype];
    fields.set(name, { dtype, shape, data_offsets: [begin, end] });
  }
  // fromEntries defines own properties, so even a tensor named "__proto__" is written as one.
  const json = Buffer.from(JSON.stringify(Object.fromEntries(fields)));
  const padded = Math.ceil(json.length / 8) * 8;
  if (padded > MAX_HEADER_BYTES) throw new Error(`a header of ${padded} bytes; at most ${MAX_HEADER_BYTES}`);
  const header = Buffer.alloc(LENGTH_BYTES + padded, ' ');
  header.writeBigUInt64LE(BigInt(padded));
  json.copy(header, LENGTH_BYTES);
  return header;
}

async function writeTensor(handle: FileHandle, tensor: TensorToWrite): Promise<void> {
  const values = await tensor.data();
  const expected = elementCount(tensor.shape);
  if (values.length !== expected) {
    throw new Error(`tensor ${tensor.name}: ${values.length} values for shape [${tensor.shape.join(', ')}]`);
  }
  const step = CHUNK_BYTES / BYTES_PER_ELEMENT[tensor.dtype];
  for (let first = 0; first < values.length; first += step) {
    const encoded = encode(values.subarray(first, first + step), tensor.dtype);
    await appendBytes(handle, new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength));
  }
}

function encode(values: Float32Array, dtype: Dtype): Float32Array | Uint16Array {
  switch (dtype) {
    case 'F32':
      return values;
    case 'F16':
      return f32ToF16(values);
    case 'BF16':
      return f32ToBf16(values);
  }
}
