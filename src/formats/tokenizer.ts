import { join } from 'node:path';
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { InputError, messageOf } from '../common/errors.js';
import { Fields } from './fields.js';
import { isFile, isRecord, readJsonFile, readJsonFileIfPresent } from './json-file.js';
import { quote, quoteValue, shellWord } from './quote.js';

export interface Tokenizer {
  /**
   * The token ids of a text, without the special tokens a tokenizer may put around it. With `bos`, the first id is the
   * beginning-of-sequence token, once, also where the text itself begins with it (and if there is such a token).
   */
  encode(text: string, options?: { bos?: boolean }): number[];
  /** The text of token ids; special tokens leave no trace in it. */
  decode(ids: readonly number[]): string;
  /** The token every sequence begins with; null where the model was not made to see one. */
  readonly bosId: number | null;
  /** The tokens that end a text; any of them does. */
  readonly eosIds: readonly number[];
  /** One more than the largest token id. */
  readonly vocabSize: number;
}

/** What is used of the library. Its own declarations do not resolve in ECMAScript modules, so they are stated here. */
interface HfTokenizer {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string;
}
const HfTokenizer = LibraryTokenizer as unknown as new (json: object, config: object) => HfTokenizer;

const MAX_TOKENIZER_BYTES = 256 * 1024 * 1024;
const MAX_CONFIG_BYTES = 16 * 1024 * 1024;
const MAX_TOKEN_IDS = 2 ** 24;
const MODEL_TYPES = ['BPE', 'WordPiece', 'Unigram'] as const;

/**
 * Loads `tokenizer.json` of a model folder. Beginning and end of a text are read from `tokenizer_config.json`,
 * `generation_config.json` and `config.json`, as far as they are there. Throws InputError for an absent or unusable
 * tokenizer.
 */
export async function loadTokenizer(modelDir: string): Promise<Tokenizer> {
  const path = join(modelDir, 'tokenizer.json');
  if (!(await isFile(path))) throw await noTokenizer(modelDir);
  const json = await readJsonFile(path, MAX_TOKENIZER_BYTES);
  const ids = tokenIds(new Fields(json, path), path);
  const config = await readSettings(modelDir, 'tokenizer_config.json');
  const inner = build(json as Record<string, unknown>, config, path);
  const model = await readSettings(modelDir, 'config.json');
  const generation = await readSettings(modelDir, 'generation_config.json');

  const idOf = (field: string): number | undefined => {
    const content = tokenContent(config[field]);
    return content === undefined ? undefined : ids.get(content);
  };
  const bosId =
    config['add_bos_token'] === false ? null : (idOf('bos_token') ?? declaredBos(config, generation, model));
  const eosIds = [generation['eos_token_id'], model['eos_token_id'], idOf('eos_token')].flat().filter(isTokenId);
  return new ModelTokenizer(inner, path, bosId, [...new Set(eosIds)], largest(ids.values()) + 1);
}

class ModelTokenizer implements Tokenizer {
  constructor(
    private readonly inner: HfTokenizer,
    private readonly path: string,
    readonly bosId: number | null,
    readonly eosIds: readonly number[],
    readonly vocabSize: number,
  ) {}

  encode(text: string, { bos = false }: { bos?: boolean } = {}): number[] {
    // An id is absent where the token for unknown characters is named but not in the vocabulary.
    const ids: (number | undefined)[] = this.inner.encode(text, { add_special_tokens: false }).ids;
    const unknown = ids.indexOf(undefined);
    if (unknown >= 0) {
      throw new InputError(`cannot encode ${quote(text)}: it has no token for one of its characters`, this.path);
    }
    if (bos && this.bosId !== null && ids[0] !== this.bosId) ids.unshift(this.bosId);
    return ids as number[];
  }

  decode(ids: readonly number[]): string {
    if (ids.length === 0) return '';
    // The clean-up would drop spaces that are there, before "n't" and full stops.
    return this.inner.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false });
  }
}

function build(json: Record<string, unknown>, config: Record<string, unknown>, path: string): HfTokenizer {
  const optional = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, added_tokens: [] };
  try {
    return new HfTokenizer({ ...optional, ...json }, config);
  } catch (error) {
    throw new InputError(`this tokenizer is not supported: ${quote(messageOf(error))}`, path, { cause: error });
  }
}

/** Every token's id, vocabulary and added tokens; ids are checked, since tables are made as long as the largest. */
function tokenIds(json: Fields, where: string): Map<string, number> {
  const model = json.inside('model');
  const type = model.oneOf('type', MODEL_TYPES);
  const ids = new Map<string, number>();
  const add = (content: unknown, id: unknown) => {
    if (typeof content !== 'string' || !isTokenId(id)) {
      const advice = `ids from 0 to ${MAX_TOKEN_IDS - 1} are expected`;
      throw new InputError(`token ${quoteValue(content)} has the id ${quoteValue(id)}; ${advice}`, where);
    }
    ids.set(content, id);
  };
  if (type === 'Unigram') {
    for (const [id, pair] of model.list('vocab').entries()) add(Array.isArray(pair) ? pair[0] : undefined, id);
  } else {
    const vocabulary = model.inside('vocab');
    for (const content of vocabulary.keys) add(content, vocabulary.get(content));
  }
  for (const token of json.has('added_tokens') ? json.list('added_tokens') : []) {
    const added = new Fields(token, where, 'added_tokens[]');
    add(added.get('content'), added.get('id'));
  }
  if (ids.size === 0) throw new InputError('has an empty vocabulary', where);
  return ids;
}

function isTokenId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < MAX_TOKEN_IDS;
}

function largest(ids: Iterable<number>): number {
  let most = -1;
  for (const id of ids) most = Math.max(most, id);
  return most;
}

/** A special token is written as its text, or as an object that holds it. */
function tokenContent(value: unknown): string | undefined {
  const content = isRecord(value) ? value['content'] : value;
  return typeof content === 'string' ? content : undefined;
}

/** The model's own word on the first token, where the tokenizer's settings are silent (null there means none). */
function declaredBos(
  config: Record<string, unknown>,
  generation: Record<string, unknown>,
  model: Record<string, unknown>,
): number | null {
  if (config['bos_token'] === null) return null;
  return [generation['bos_token_id'], model['bos_token_id']].find(isTokenId) ?? null;
}

async function readSettings(modelDir: string, name: string): Promise<Record<string, unknown>> {
  const path = join(modelDir, name);
  const json = (await readJsonFileIfPresent(path, MAX_CONFIG_BYTES)) ?? {};
  if (!isRecord(json)) throw new InputError('is not a JSON object', path);
  return json;
}

async function noTokenizer(modelDir: string): Promise<InputError> {
  if (!(await isFile(join(modelDir, 'tokenizer.model')))) return new InputError('has no tokenizer.json', modelDir);
  const convert =
    'import sys; from transformers import AutoTokenizer as T; a = sys.argv[1]; T.from_pretrained(a).save_pretrained(a)';
  return new InputError(
    `has tokenizer.model but no tokenizer.json; write one: python -c "${convert}" ${shellWord(modelDir)}`,
    modelDir,
  );
}
