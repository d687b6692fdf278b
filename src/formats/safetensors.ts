import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { bf16ToF32, f16ToF32 } from '../common/half.js';
import { InputError } from '../common/errors.js';
import { isFile, isRecord, readJsonFile } from './json-file.js';
import { quote, quoteValue, shellWord } from './quote.js';
import { readHeader, type TensorEntry } from './safetensors-header.js';

export type { Dtype, TensorEntry } from './safetensors-header.js';

/** The weights of a model folder: where every tensor lies. Nothing is read until it is asked for. */
export interface Checkpoint {
  dir: string;
  entries: ReadonlyMap<string, TensorEntry>;
}

const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 64 * 1024 * 1024;
const MAX_SHARDS = 10_000;
/** A weight file of the model's own folder: no path, nothing hidden. */
const SHARD_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,200}\.safetensors$/;
const PICKLED = new Set(['.bin', '.pt', '.pth', '.ckpt']);
/** Bytes read at a time when a narrow dtype is widened: bounds the memory beside the result. */
const CHUNK_BYTES = 16 * 1024 * 1024;

/**
 * Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, and checks every header.
 * Throws InputError for damaged files, missing shards, an index at odds with its shards, and pickled checkpoints.
 */
export async function openCheckpoint(dir: string): Promise<Checkpoint> {
  const single = join(dir, SINGLE_FILE);
  if (await isFile(single)) return { dir, entries: byName(await readHeader(single)) };
  const index = join(dir, INDEX_FILE);
  if (await isFile(index)) return { dir, entries: await readShards(dir, index) };
  throw await noWeights(dir);
}

/** The place of one tensor; InputError when the checkpoint lacks it. */
export function tensorEntry(checkpoint: Checkpoint, name: string): TensorEntry {
  const entry = checkpoint.entries.get(name);
  if (entry !== undefined) return entry;
  throw new InputError(`the weights have no tensor ${quote(name)}, which config.json calls for`, checkpoint.dir);
}

/** Reads one tensor as F32, row-major, `product(shape)` values. Only its own bytes are read. */
export async function readTensor(entry: TensorEntry): Promise<Float32Array> {
  const handle = await open(entry.file, 'r');
  const readInto = async (target: Uint8Array, position: number) => {
    for (let done = 0; done < target.length;) {
      const { bytesRead } = await handle.read(
        target,
        done,
        Math.min(CHUNK_BYTES, target.length - done),
        position + done,
      );
      if (bytesRead === 0) {
        throw new InputError('the file ended inside it: truncated', `${entry.file}: tensor ${quote(entry.name)}`);
      }
      done += bytesRead;
    }
  };
  try {
    if (entry.dtype === 'F32') {
      const values = new Float32Array(entry.byteLength / 4);
      await readInto(new Uint8Array(values.buffer), entry.offset);
      return values;
    }
    const widen = entry.dtype === 'F16' ? f16ToF32 : bf16ToF32;
    const values = new Float32Array(entry.byteLength / 2);
    const window = new Uint16Array(Math.min(values.length, CHUNK_BYTES / 2));
    for (let first = 0; first < values.length; first += window.length) {
      const part = window.subarray(0, Math.min(window.length, values.length - first));
      await readInto(new Uint8Array(part.buffer, 0, part.byteLength), entry.offset + first * 2);
      widen(part, values.subarray(first, first + part.length));
    }
    return values;
  } finally {
    await handle.close();
  }
}

function byName(entries: readonly TensorEntry[]): Map<string, TensorEntry> {
  return new Map(entries.map((entry) => [entry.name, entry]));
}

/** Reads every shard's header and requires that the index and the shards tell the same story. */
async function readShards(dir: string, index: string): Promise<Map<string, TensorEntry>> {
  const shardOf = await readWeightMap(index);
  const shards = [...new Set(shardOf.values())].sort();
  if (shards.length > MAX_SHARDS) throw new InputError(`names ${shards.length} shards; at most ${MAX_SHARDS}`, index);
  const missing = [];
  for (const shard of shards) if (!(await isFile(join(dir, shard)))) missing.push(shard);
  if (missing.length > 0) {
    const list = missing.slice(0, 5).join(', ') + (missing.length > 5 ? ', …' : '');
    throw new InputError(
      `names ${missing.length} of ${shards.length} shards that are not in the folder: ${list}; fetch the missing files`,
      index,
    );
  }
  const found = new Map<string, TensorEntry>();
  for (const shard of shards) {
    for (const entry of await readHeader(join(dir, shard))) {
      const expected = shardOf.get(entry.name);
      if (expected !== shard) {
        const says = expected === undefined ? 'does not list it' : `puts it in ${expected}`;
        throw new InputError(`holds tensor ${quote(entry.name)}, but ${INDEX_FILE} ${says}`, join(dir, shard));
      }
      found.set(entry.name, entry);
    }
  }
  for (const [name, shard] of shardOf) {
    if (!found.has(name)) throw new InputError(`puts tensor ${quote(name)} in ${shard}, which lacks it`, index);
  }
  return found;
}

async function readWeightMap(index: string): Promise<Map<string, string>> {
  const json = await readJsonFile(index, MAX_INDEX_BYTES);
  const weightMap = isRecord(json) ? json['weight_map'] : undefined;
  if (!isRecord(weightMap) || Object.keys(weightMap).length === 0) {
    throw new InputError('"weight_map" must be an object that maps tensor names to shard files', index);
  }
  const shardOf = new Map<string, string>();
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string' || !SHARD_NAME.test(shard)) {
      const rule = 'a .safetensors file name in the same folder is expected';
      throw new InputError(`maps tensor ${quote(name)} to ${quoteValue(shard)}; ${rule}`, index);
    }
    shardOf.set(name, shard);
  }
  return shardOf;
}

/** Says why there is nothing to open, and what to do about it. */
async function noWeights(dir: string): Promise<InputError> {
  const found = await stat(dir).catch(() => undefined);
  if (found === undefined) return new InputError('no such folder', dir);
  if (!found.isDirectory()) {
    if (PICKLED.has(extname(dir))) return pickled(dirname(dir), basename(dir));
    return new InputError('is a file; give the folder that holds config.json and the weights', dir);
  }
  const names = (await readdir(dir)).sort();
  const pickle = names.find((name) => PICKLED.has(extname(name)));
  if (pickle !== undefined) return pickled(dir, pickle);
  const others = names.filter((name) => extname(name) === '.safetensors');
  const hint = others.length > 0 ? `; ${quote(others[0] ?? '')} is not one of these names` : '';
  return new InputError(`has neither ${SINGLE_FILE} nor ${INDEX_FILE}${hint}`, dir);
}

function pickled(dir: string, name: string): InputError {
  const convert =
    'import sys; from transformers import AutoModelForCausalLM as M, AutoTokenizer as T; ' +
    'a, b = sys.argv[1:]; M.from_pretrained(a).save_pretrained(b); T.from_pretrained(a).save_pretrained(b)';
  const folder = dir.replace(/\/+$/, '');
  return new InputError(
    `${quote(name)} is a pickled checkpoint, which can run code when it is opened, and is refused. If you trust it, ` +
      `convert it once: python -c "${convert}" ${shellWord(folder)} ${shellWord(`${folder}-safetensors`)}`,
    dir,
  );
}
