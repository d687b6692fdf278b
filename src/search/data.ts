import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../common/errors.js';
import { isFile } from '../formats/json-file.js';
import { packText, readDocuments } from '../formats/text.js';
import { loadTokenizer } from '../formats/tokenizer.js';
import { requireIds } from '../model/hidden-states.js';
import { writeBytes, writeDirectory } from '../run/artifacts.js';
import { fileHash, taskKey } from '../run/task-key.js';
import type { SearchContext } from './context.js';

/** What the tokens of a text depend on, beside the text. */
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json', 'config.json'];

export type Split = 'train' | 'validation' | 'test';
const SPLITS: readonly Split[] = ['train', 'validation', 'test'];

/** One split of the packed text in the run directory. */
export interface TokenFile {
  file: string;
  sequences: number;
  sequenceLength: number;
}

export interface PackedData {
  /** Stands for everything the tokens depend on, except for how many of them there are. */
  key: string;
  /** Of the text files or folders of the spec, in its order. */
  textHashes: string[];
  splits: Record<Split, TokenFile>;
}

/** A hash over a text file, or over all files below a folder, names included. */
async function textHash(file: string): Promise<string> {
  if (!(await stat(file)).isDirectory()) return fileHash(file);
  const names = (await readdir(file)).sort();
  return taskKey('folder', await Promise.all(names.map(async (name) => [name, await textHash(path.join(file, name))])));
}

/** Throws InputError when the text cannot be read, or its first file with any text cannot, or there is none. */
export async function requireText(paths: readonly string[]): Promise<void> {
  const first = await readDocuments(paths).next();
  if (first.done === true) throw new InputError('the data set is empty: no document holds any text', paths.join(', '));
}

/** The hashes of files of a folder, null for those it lacks. */
async function hashesOf(dir: string, names: readonly string[]): Promise<(string | null)[]> {
  const hash = async (file: string) => ((await isFile(file)) ? fileHash(file) : null);
  return Promise.all(names.map((name) => hash(path.join(dir, name))));
}

/** Tokenises and packs the text once; later stages and processes read the token files. */
export async function packData(context: SearchContext): Promise<PackedData> {
  const { run, spec, parent, budgets } = context;
  const paths = [spec.data.text].flat();
  const wanted = {
    train: Math.max(budgets.calibrationTokens, budgets.uptrainTokens),
    validation: budgets.scoreTokens + budgets.reportTokens,
    test: budgets.testTokens,
  };
  const { sequenceLength } = budgets;
  const tokenizerHash = await hashesOf(parent.dir, TOKENIZER_FILES);
  const textHashes = await Promise.all(paths.map(textHash));
  const key = taskKey('text', { tokenizerHash, textHashes, sequenceLength, seed: spec.seed });
  const packKey = taskKey('data', { key, wanted });
  const artifact = `data/${packKey}`;
  const meta = { stage: 'space' as const, kind: 'data', label: 'tokenise and pack the text' };
  const task = await run.once(packKey, meta, async () => {
    const tokenizer = await loadTokenizer(parent.dir);
    const packed = await packText(paths, tokenizer, { sequenceLength, seed: spec.seed, wanted });
    for (const split of SPLITS) requireIds(packed[split].tokens, parent);
    await writeDirectory(run.path(artifact), async (dir) => {
      for (const split of SPLITS) {
        const { tokens } = packed[split];
        await writeBytes(
          path.join(dir, `${split}.i32`),
          new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength),
        );
      }
    });
    const sequences = Object.fromEntries(SPLITS.map((split) => [split, packed[split].sequences]));
    return { artifact, result: sequences };
  });
  const sequences = task.result as Record<Split, number>;
  const file = (split: Split): TokenFile => ({
    file: path.join(run.path(artifact), `${split}.i32`),
    sequences: sequences[split],
    sequenceLength,
  });
  return { key, textHashes, splits: { train: file('train'), validation: file('validation'), test: file('test') } };
}

/** The token ids of a split, `sequences * sequenceLength` of them. */
export async function readTokens({ file }: TokenFile): Promise<Int32Array> {
  const bytes = await readFile(file);
  return new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
