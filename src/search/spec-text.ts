import {
  findNodeAtLocation,
  getNodeValue,
  type JSONPath,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { isTooDeep, MAX_JSON_DEPTH } from '../formats/json-depth.js';
import { quote } from '../formats/quote.js';

/** A part of a text: offsets of its first character and of the one after it. */
export interface Span {
  start: number;
  end: number;
}

export interface TextProblem extends Span {
  message: string;
}

/** A text in JSON with comments and trailing commas. */
export interface JsonText {
  /** What it says, as far as it can be read; undefined where nothing can. */
  json: unknown;
  tree: Node | undefined;
  /** Where it is no JSON, or says the same thing twice; by their places. */
  problems: TextProblem[];
}

export function readJsonText(text: string): JsonText {
  if (isTooDeep(text)) {
    const message = `is nested deeper than ${MAX_JSON_DEPTH} levels`;
    return { json: undefined, tree: undefined, problems: [{ start: 0, end: Math.min(1, text.length), message }] };
  }
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const json: unknown = tree && getNodeValue(tree);
  const unreadable = errors.map(({ error, offset, length }): TextProblem => {
    // "ColonExpected": a colon is expected.
    const what = printParseErrorCode(error)
      .replace(/\B[A-Z]/g, ' $&')
      .toLowerCase();
    return { start: offset, end: offset + length, message: `is not valid JSON: ${what}` };
  });
  return { json, tree, problems: unreadable.length > 0 || tree === undefined ? unreadable : repeatedKeys(tree) };
}

/** The line of an offset, counted from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/**
 * Where a field stands: its name, or its value. A field that is not there is the name of the one that lacks it, or the
 * bracket with which the text begins.
 */
export function spanOf(tree: Node | undefined, path: JSONPath, part: 'name' | 'value'): Span {
  const node = tree && findNodeAtLocation(tree, path);
  if (node === undefined) {
    if (path.length > 0) return spanOf(tree, path.slice(0, -1), 'name');
    return { start: tree?.offset ?? 0, end: (tree?.offset ?? 0) + 1 };
  }
  const [name] = node.parent?.type === 'property' ? (node.parent.children ?? []) : [];
  if (part === 'name' && name !== undefined) return spanOfNode(name);
  return part === 'name' && node.parent === undefined ? { start: node.offset, end: node.offset + 1 } : spanOfNode(node);
}

function spanOfNode({ offset, length }: Node): Span {
  return { start: offset, end: offset + length };
}

function repeatedKeys(node: Node): TextProblem[] {
  const seen = new Set<unknown>();
  const own =
    node.type !== 'object'
      ? []
      : (node.children ?? []).flatMap(({ children: [name] = [] }) => {
          if (name === undefined) return [];
          const isRepeated = seen.has(name.value);
          seen.add(name.value);
          return isRepeated
            ? [{ ...spanOfNode(name), message: `${quote(String(name.value))} is there twice; keep one` }]
            : [];
        });
  return [...own, ...(node.children ?? []).flatMap(repeatedKeys)].sort((a, b) => a.start - b.start);
}
