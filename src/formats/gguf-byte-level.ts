import { InputError } from '../common/errors.js';
import type { Fields } from './fields.js';
import { type GgufEntry, text, texts } from './gguf-entry.js';
import type { Vocabulary } from './gguf-tokenizer.js';

import { isRecord } from './json-file.js';

/** What llama.cpp calls a way of cutting text before BPE. It knows each by this name only; the rules are in its code. */
interface Splitter {
  name: string;
  matches: (steps: readonly Record<string, unknown>[]) => boolean;
  /** Whether words that are tokens are taken whole, without merges; part of what the name stands for. */
  ignoresMerges: boolean;
}

const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const SPLITTERS: readonly Splitter[] = [
  {
    name: 'gpt-2',
    matches: ([level, ...rest]) => rest.length === 0 && isByteLevel(level, true),
    ignoresMerges: false,
  },
  {
    name: 'smollm',
    matches: ([digits, level, ...rest]) =>
      rest.length === 0 &&
      digits?.['type'] === 'Digits' &&
      digits['individual_digits'] === true &&
      isByteLevel(level, true),
    ignoresMerges: false,
  },
  {
    name: 'llama-bpe',
    matches: ([split, level, ...rest]) => rest.length === 0 && isSplit(split, LLAMA3) && isByteLevel(level, false),
    ignoresMerges: true,
  },
];

/** Byte-level BPE, as of GPT-2 and Llama 3. Throws InputError for a pre-tokenizer that llama.cpp is not known to have. */
export function byteLevelEntries(json: Fields, { merges }: Vocabulary, where: string): GgufEntry[] {
  if (json.has('normalizer')) {
    throw json.error('normalizer', 'a GGUF of byte-level BPE cannot say this; null is expected');
  }
  const steps = preTokenizers(json.get('pre_tokenizer'));
  const ignoresMerges = json.inside('model').flag('ignore_merges');
  const splitter = SPLITTERS.find((known) => known.ignoresMerges === ignoresMerges && known.matches(steps));
  if (splitter === undefined) {
    const known = SPLITTERS.map(({ name }) => name).join(', ');
    throw new InputError(`cuts text in a way that a GGUF has no name for; known: ${known}`, `${where}: pre_tokenizer`);
  }
  return [
    text('tokenizer.ggml.model', 'gpt2'),
    text('tokenizer.ggml.pre', splitter.name),
    texts(
      'tokenizer.ggml.merges',
      merges.map((pair) => pair.join(' ')),
    ),
  ];
}

function preTokenizers(value: unknown): Record<string, unknown>[] {
  if (!isRecord(value)) return [];
  const inner = value['type'] === 'Sequence' ? value['pretokenizers'] : [value];
  return Array.isArray(inner) ? inner.filter(isRecord) : [];
}

function isByteLevel(step: Record<string, unknown> | undefined, regex: boolean): boolean {
  return step?.['type'] === 'ByteLevel' && step['add_prefix_space'] !== true && (step['use_regex'] ?? true) === regex;
}

function isSplit(step: Record<string, unknown> | undefined, regex: string): boolean {
  const pattern = step?.['pattern'];
  return (
    step?.['type'] === 'Split' &&
    step['behavior'] === 'Isolated' &&
    step['invert'] !== true &&
    isRecord(pattern) &&
    pattern['Regex'] === regex
  );
}
