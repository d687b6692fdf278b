import path from 'node:path';
import { limitHelp, type Metric } from './constraints.js';

/** What a spec cannot do without, and what it is for. Paths are absolute. */
export interface SpecWishes {
  /** The parent's folder. */
  parent: string;
  /** Files and folders of text. */
  text: readonly string[];
  /** Files and folders of multiple-choice tasks. */
  tasks: readonly string[];
  /** What the child must meet: `throughput` and `>= 2x`. */
  limit: { metric: Metric; text: string };
}

/**
 * The text of a new spec, with comments for people who will change it. Everything that has a good default is left to it.
 *
 * @param dir the folder that the spec will be in: its paths are relative to it
 */
export function newSpec({ parent, text, tasks, limit }: SpecWishes, dir: string): string {
  const said = (file: string) => JSON.stringify(relativePath(dir, file));
  const list = (files: readonly string[]) => `[${files.map(said).join(', ')}]`;
  const [only, ...more] = text;
  const texts = only !== undefined && more.length === 0 ? said(only) : list(text);
  return `{
  // The trained model: a folder with config.json, *.safetensors and tokenizer.json. Paths are relative to this file.
  "parent": ${said(parent)},
  // Text like the one that the model is for: .txt, .jsonl, or folders of them.
  "data": { "text": ${texts} },
  // Multiple-choice questions to compare parent and child on: .jsonl of {"context", "choices", "answer"}.
  "tasks": ${list(tasks)},

  // What the child will have to do: 32 sequences together, 128 tokens of prompt and 128 generated tokens each.
  "target": {
    "engine": "onnxruntime",
    "workload": { "batch": 32, "prefill": 128, "generated": 128 }
  },

  // What it must meet. Also possible: throughput, memory, latency, parameters, kvCache.
  // On ${limit.metric}, ${limitHelp(limit.metric)}.
  "limits": { ${JSON.stringify(limit.metric)}: ${JSON.stringify(limit.text)} },

  // Training tokens: more make a better child, and a longer search.
  "distil": { "tokens": 24576 },
  "uptrain": { "tokens": 1000000 }
}
`;
}

/** With forward slashes, as on every system; absolute where there is no way from one to the other. */
function relativePath(dir: string, file: string): string {
  const way = path.relative(dir, file);
  return (way === '' ? '.' : way).split(path.sep).join('/');
}
