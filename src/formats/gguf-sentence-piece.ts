import { InputError } from '../common/errors.js';
import type { Fields } from './fields.js';
import { bool, float32s, type GgufEntry, text, uint32 } from './gguf-entry.js';
import { TOKEN_KINDS, type Vocabulary } from './gguf-tokenizer.js';
import { isRecord } from './json-file.js';
import { quote } from './quote.js';

const SPACE = '▁';
const BYTE = /^<0x[0-9A-F]{2}>$/;

/**
 * BPE over characters with bytes to fall back on, as SentencePiece makes it and Llama 2 uses it. llama.cpp knows no
 * merges here: it joins the neighbours whose joint is the token with the highest score. That is the same where merges
 * into one token stand together and none is missing, which is checked; the score is then less the later they come.
 */
export function sentencePieceEntries(json: Fields, vocabulary: Vocabulary, where: string): GgufEntry[] {
  const { tokens, kinds } = vocabulary;
  const prefix = spacePrefix(json, where);
  const unknown = json.inside('model').get('unk_token');
  for (const [id, token] of tokens.entries()) {
    if (token === unknown) kinds[id] = TOKEN_KINDS.unknown;
    else if (BYTE.test(token)) kinds[id] = TOKEN_KINDS.byte;
  }
  return [
    text('tokenizer.ggml.model', 'llama'),
    text('tokenizer.ggml.pre', 'default'),
    float32s('tokenizer.ggml.scores', scores(vocabulary, where)),
    ...(typeof unknown === 'string' ? [uint32('tokenizer.ggml.unknown_token_id', tokens.indexOf(unknown))] : []),
    bool('tokenizer.ggml.add_space_prefix', prefix),
  ];
}

/** Minus the place of the merges into each token; 0 for what no merge makes. */
function scores({ tokens, merges }: Vocabulary, where: string): number[] {
  const known = new Set(tokens);
  const places = new Map<string, number>();
  const pairs = new Set<string>();
  let latest: string | undefined;
  const disagrees = (token: string, why: string) =>
    new InputError(`llama.cpp would split texts differently: the merges into ${quote(token)} ${why}`, where);
  for (const [left, right] of merges) {
    const token = left + right;
    pairs.add(`${left} ${right}`);
    if (token === latest) continue;
    if (places.has(token)) throw disagrees(token, 'do not stand together');
    places.set(token, places.size + 1);
    latest = token;
  }
  for (const token of places.keys()) {
    const characters = Array.from(token);
    for (let at = 1; at < characters.length; at++) {
      const [left, right] = [characters.slice(0, at).join(''), characters.slice(at).join('')];
      if (known.has(left) && known.has(right) && !pairs.has(`${left} ${right}`)) {
        throw disagrees(token, `lack that of ${quote(left)} and ${quote(right)}`);
      }
    }
  }
  return tokens.map((token) => -(places.get(token) ?? 0));
}

/** Whether a text is read as if a space came before it. Spaces must become SPACE, and nothing else may happen. */
function spacePrefix(json: Fields, where: string): boolean {
  const steps = [...parts(json.get('normalizer'), 'normalizers'), ...parts(json.get('pre_tokenizer'), 'pretokenizers')];
  const kinds = steps.map(spaceStep);
  const odd = kinds.indexOf(undefined);
  if (odd >= 0 || !kinds.some((kind) => kind === 'replace' || kind === 'both')) {
    const what = odd >= 0 ? `a step of the kind ${quote(String(steps[odd]?.['type']))}` : 'no step that marks spaces';
    throw new InputError(`prepares text in a way that a GGUF cannot say: it has ${what}`, where);
  }
  return kinds.some((kind) => kind === 'prepend' || kind === 'both');
}

function parts(value: unknown, list: string): Record<string, unknown>[] {
  if (!isRecord(value)) return [];
  const inner = value['type'] === 'Sequence' ? value[list] : [value];
  return Array.isArray(inner) ? inner.filter(isRecord) : [];
}

function spaceStep(step: Record<string, unknown>): 'prepend' | 'replace' | 'both' | undefined {
  const { type, prepend, pattern, content, replacement } = step;
  if (type === 'Prepend' && prepend === SPACE) return 'prepend';
  if (type === 'Replace' && content === SPACE && isRecord(pattern) && pattern['String'] === ' ') return 'replace';
  const scheme = step['prepend_scheme'] ?? (step['add_prefix_space'] === false ? 'never' : 'always');
  // Without a split, words are no borders for merges: so it is in llama.cpp.
  if (type === 'Metaspace' && replacement === SPACE && step['split'] === false) {
    return scheme === 'never' ? 'replace' : 'both';
  }
  return undefined;
}
