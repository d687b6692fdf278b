import { join } from 'node:path';
import { InputError } from '../common/errors.js';
import { Fields } from './fields.js';
import { byteLevelEntries } from './gguf-byte-level.js';
import { sentencePieceEntries } from './gguf-sentence-piece.js';
import { bool, type GgufEntry, int32s, text, texts, uint32 } from './gguf-entry.js';
import { isRecord, readJsonFile, readJsonFileIfPresent } from './json-file.js';
import { loadTokenizer } from './tokenizer.js';

const MAX_BYTES = 256 * 1024 * 1024;

/** llama.cpp's kinds of tokens. */
export const TOKEN_KINDS = { normal: 1, unknown: 2, control: 3, added: 4, unused: 5, byte: 6 } as const;

/** A vocabulary in the order of its ids, of `tokenizer.json`. */
export interface Vocabulary {
  tokens: string[];
  kinds: number[];
  /** The pairs that are merged, the first rank first. */
  merges: [string, string][];
}

/**
 * The tokenizer of a model folder as GGUF entries, with as many tokens as the model has embeddings. Two families become
 * what llama.cpp calls `gpt2` and `llama`: byte-level BPE, and BPE over characters with bytes to fall back on.
 * Throws InputError for any other, and where llama.cpp would split texts differently.
 */
export async function ggufTokenizer(modelDir: string, vocabSize: number): Promise<GgufEntry[]> {
  const path = join(modelDir, 'tokenizer.json');
  const { bosId, eosIds } = await loadTokenizer(modelDir);
  const json = new Fields(await readJsonFile(path, MAX_BYTES), path);
  const model = json.inside('model');
  model.oneOf('type', ['BPE']);
  for (const field of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix']) {
    if (!model.has(field) || model.get(field) === '') continue;
    throw model.error(field, 'a GGUF cannot say this; null is expected');
  }
  const vocabulary = readVocabulary(json, vocabSize, path);
  const kind = model.flag('byte_fallback') ? sentencePieceEntries : byteLevelEntries;
  const [eos, eot] = eosIds;
  const id = (name: string, value: number | null | undefined): GgufEntry[] =>
    value === null || value === undefined ? [] : [uint32(`tokenizer.ggml.${name}_token_id`, value)];
  const template = await chatTemplate(modelDir);
  return [
    ...kind(json, vocabulary, path),
    texts('tokenizer.ggml.tokens', vocabulary.tokens),
    int32s('tokenizer.ggml.token_type', vocabulary.kinds),
    ...id('bos', bosId),
    ...id('eos', eos),
    ...id('eot', eot),
    bool('tokenizer.ggml.add_bos_token', bosId !== null),
    bool('tokenizer.ggml.add_eos_token', false),
    ...(template === undefined ? [] : [text('tokenizer.chat_template', template)]),
  ];
}

/** Tokens by id; where the model has more embeddings than the file has tokens, the rest are never used. */
function readVocabulary(json: Fields, size: number, where: string): Vocabulary {
  const model = json.inside('model');
  const tokens = Array.from({ length: size }, (_, id) => `[PAD${id}]`);
  const kinds = Array.from({ length: size }, () => TOKEN_KINDS.unused as number);
  const put = (content: unknown, id: unknown, kind: number) => {
    if (typeof content !== 'string' || typeof id !== 'number' || id >= size) {
      throw new InputError(`has the token id ${String(id)}; the model has embeddings for ${size}`, where);
    }
    tokens[id] = content;
    kinds[id] = kind;
  };
  const vocabulary = model.inside('vocab');
  for (const content of vocabulary.keys) put(content, vocabulary.get(content), TOKEN_KINDS.normal);
  for (const token of json.has('added_tokens') ? json.list('added_tokens') : []) {
    const added = new Fields(token, where, 'added_tokens[]');
    put(added.get('content'), added.get('id'), added.flag('special') ? TOKEN_KINDS.control : TOKEN_KINDS.added);
  }
  const merges = model.list('merges').map((merge) => {
    const pair: unknown[] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
    const [left, right] = pair;
    if (pair.length === 2 && typeof left === 'string' && typeof right === 'string') return [left, right] as const;
    throw new InputError('model.merges holds something that is no pair of tokens', where);
  });
  return { tokens, kinds, merges: merges.map(([left, right]) => [left, right]) };
}

async function chatTemplate(modelDir: string): Promise<string | undefined> {
  const settings = await readJsonFileIfPresent(join(modelDir, 'tokenizer_config.json'), MAX_BYTES);
  const template = isRecord(settings) ? settings['chat_template'] : undefined;
  return typeof template === 'string' ? template : undefined;
}
