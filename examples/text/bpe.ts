/**
 * A byte-level byte-pair encoder: learns merges from text and writes them as a Hugging Face `tokenizer.json`. All 256 bytes
 * are tokens, so any text survives encoding and decoding.
 */

export const BOS = '<s>';
export const EOS = '</s>';
const SPECIALS = [BOS, EOS] as const;

/** How the `ByteLevel` pre-tokenizer of the Hugging Face format splits text into words. */
const WORD = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

const isPrintable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

/** The character that stands for each byte: itself where printable, else the next free one from U+0100. */
const BYTE_SYMBOLS: readonly string[] = (() => {
  let free = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : free++));
})();

/** A word's bytes as symbols: " ball" becomes "Ġball". */
function symbols(word: string): string[] {
  return Array.from(Buffer.from(word, 'utf8'), (byte) => BYTE_SYMBOLS[byte] ?? '');
}

/** Counts the words of `documents`. */
export function countWords(documents: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of documents) {
    for (const word of text.match(WORD) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

type Pair = readonly [string, string];

/** Joins every occurrence of `pair` in `parts`, from the left. */
function join(parts: readonly string[], [left, right]: Pair): string[] {
  const joined: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? '';
    if (part === left && parts[i + 1] === right) {
      joined.push(left + right);
      i++;
    } else joined.push(part);
  }
  return joined;
}

/** The most frequent pair of neighbours, the first in code order among equals; undefined when no word has two parts. */
function mostFrequentPair(words: readonly { parts: string[]; count: number }[]): Pair | undefined {
  const counts = new Map<string, { pair: Pair; count: number }>();
  for (const { parts, count } of words) {
    for (let i = 0; i + 1 < parts.length; i++) {
      const pair: Pair = [parts[i] ?? '', parts[i + 1] ?? ''];
      const key = pair.join(' ');
      const entry = counts.get(key);
      if (entry === undefined) counts.set(key, { pair, count });
      else entry.count += count;
    }
  }
  let best: { key: string; pair: Pair; count: number } | undefined;
  for (const [key, { pair, count }] of counts) {
    if (best === undefined || count > best.count || (count === best.count && key < best.key)) {
      best = { key, pair, count };
    }
  }
  return best?.pair;
}

/** Learns merges until the vocabulary (special tokens, bytes and merges) has `vocabularySize` entries or all words are whole. */
export function learnMerges(counts: ReadonlyMap<string, number>, vocabularySize: number): Pair[] {
  const words = [...counts].map(([word, count]) => ({ parts: symbols(word), count }));
  const known = new Set<string>(BYTE_SYMBOLS);
  const merges: Pair[] = [];
  while (SPECIALS.length + known.size < vocabularySize) {
    const pair = mostFrequentPair(words);
    if (pair === undefined) break;
    merges.push(pair);
    known.add(pair.join(''));
    for (const word of words) if (word.parts.length > 1) word.parts = join(word.parts, pair);
  }
  return merges;
}

/** The contents of `tokenizer.json`: `<s>` is token 0 and begins every text, `</s>` is 1, then the bytes, then the merges. */
export function tokenizerJson(merges: readonly Pair[]): Record<string, unknown> {
  const tokens = new Set([...SPECIALS, ...BYTE_SYMBOLS, ...merges.map((pair) => pair.join(''))]);
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const first = { SpecialToken: { id: BOS, type_id: 0 } };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIALS.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: {
      type: 'TemplateProcessing',
      single: [first, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [first, { Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { [BOS]: { id: BOS, ids: [0], tokens: [BOS] } },
    },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries([...tokens].map((token, id) => [token, id])),
      merges: merges.map((pair) => pair.join(' ')),
    },
  };
}

/** The contents of `tokenizer_config.json`. */
export function tokenizerConfig(contextLength: number): Record<string, unknown> {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: BOS,
    eos_token: EOS,
    add_bos_token: true,
    add_eos_token: false,
    clean_up_tokenization_spaces: false,
    model_max_length: contextLength,
  };
}
