import {
  applyEdits,
  type Edit,
  findNodeAtLocation,
  getNodeValue,
  type JSONPath,
  type Node,
  parseTree,
} from 'jsonc-parser';

// Changes of JSON with comments that leave everything else as it was typed: comments, blank lines, the order of fields.
// Texts are valid (trailing commas allowed); values are written in one line.

const SPACE_AND_COMMENTS = /(?:\s|\/\/[^\r\n]*|\/\*[^]*?\*\/)*/;
const COMMENTS_OF_LINE = /(?:[ \t]|\/\/[^\r\n]*|\/\*[^]*?\*\/)*/;
const INDENT = /[ \t]*/;
const LINE_BREAK = /\r?\n/;
const SPACE_TO_NEXT_LINE = /[ \t]*(?:\r?\n)?/;

/** The text with another value at `path`: replaced, or added after the last field of its object or item of its list. */
export function withValue(text: string, path: JSONPath, value: unknown): string {
  const tree = treeOf(text);
  const node = findNodeAtLocation(tree, path);
  if (node !== undefined) {
    const isSame = inline(getNodeValue(node)) === inline(value);
    return isSame ? text : applyEdits(text, [replacement(node.offset, node.length, inline(value))]);
  }
  const key = path.at(-1);
  const above = path.slice(0, -1);
  const container = findNodeAtLocation(tree, above);
  if (container === undefined) return withValue(text, above, typeof key === 'string' ? { [key]: value } : [value]);
  const item = typeof key === 'string' ? `${JSON.stringify(key)}: ${inline(value)}` : inline(value);
  return applyEdits(text, addition(text, container, item));
}

/** The text with this list at `path`, in place of what was there, an item to a line. */
export function withList(text: string, path: JSONPath, items: readonly unknown[]): string {
  const changed = withValue(text, path, []);
  const list = findNodeAtLocation(treeOf(changed), path);
  if (list === undefined) throw new Error('a list that was written is there');
  const indent = matchAt(INDENT, changed, lineStart(changed, list.offset));
  const end = `${lineBreak(changed)}${indent}`;
  const lines = items.map((item) => `${end}${indentUnit(changed)}${inline(item)}`);
  return applyEdits(changed, [replacement(list.offset, list.length, `[${lines.join(',')}${end}]`)]);
}

/** The text without the field or item at `path`, if it is there. Comments beside it stay. */
export function withoutValue(text: string, path: JSONPath): string {
  const node = findNodeAtLocation(treeOf(text), path);
  if (node?.parent === undefined) return text;
  const item = node.parent.type === 'property' ? node.parent : node;
  const left = applyEdits(text, removal(text, item));
  const container = findNodeAtLocation(treeOf(left), path.slice(0, -1));
  if (container === undefined || (container.children ?? []).length > 0) return left;
  const inside = left.slice(container.offset + 1, endOf(container) - 1);
  return inside.trim() === '' ? applyEdits(left, [deletion(container.offset + 1, endOf(container) - 1)]) : left;
}

/** The one edit that makes the second text of the first; none if they are the same. */
export function editBetween(before: string, after: string): Edit[] {
  if (before === after) return [];
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start++;
  while (start > 0 && (isInsideCharacter(before, start) || isInsideCharacter(after, start))) start--;
  let end = 0;
  while (end < most - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  while (end > 0 && [before, after].some((text) => isInsideCharacter(text, text.length - end))) end--;
  return [replacement(start, before.length - start - end, after.slice(start, after.length - end))];
}

/** Between the halves of a line's end or of a surrogate pair. */
function isInsideCharacter(text: string, offset: number): boolean {
  return /^(\r\n|[\ud800-\udbff][\udc00-\udfff])$/.test(text.slice(offset - 1, offset + 1));
}

function treeOf(text: string): Node {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  if (tree === undefined) throw new Error('an empty text cannot be edited');
  return tree;
}

function replacement(offset: number, length: number, content: string): Edit {
  return { offset, length, content };
}

function deletion(start: number, end: number): Edit {
  return replacement(start, end - start, '');
}

function addition(text: string, container: Node, item: string): Edit[] {
  const last = container.children?.at(-1);
  return last === undefined ? firstItem(text, container, item) : nextItem(text, last, item);
}

function firstItem(text: string, container: Node, item: string): Edit[] {
  const close = endOf(container) - 1;
  const inside = text.slice(container.offset + 1, close);
  const indent = text.slice(lineStart(text, close), close);
  if (inside.includes('\n') && indent.trim() === '') {
    const line = `${indent}${indentUnit(text)}${item}${lineBreak(text)}`;
    return [replacement(lineStart(text, close), 0, line)];
  }
  const space = container.type === 'object' ? ' ' : '';
  if (inside.trim() === '') return [replacement(container.offset + 1, inside.length, `${space}${item}${space}`)];
  return [replacement(close, 0, `${/\s$/.test(inside) ? '' : ' '}${item}${space}`)];
}

/** After the last one: on a line of its own if that has one, behind the comments that are about it. */
function nextItem(text: string, last: Node, item: string): Edit[] {
  const indent = text.slice(lineStart(text, last.offset), last.offset);
  const comma = commaAfter(text, endOf(last));
  const rest = restOfLine(text, comma === undefined ? endOf(last) : comma + 1);
  if (indent.trim() !== '' || !rest.isLast) return [replacement(endOf(last), 0, `, ${item}`)];
  const line = `${lineBreak(text)}${indent}${item}`;
  if (comma !== undefined) return [replacement(rest.end, 0, `${line},`)];
  return [replacement(endOf(last), 0, ','), replacement(rest.end, 0, line)];
}

function removal(text: string, item: Node): Edit[] {
  const siblings = item.parent?.children ?? [];
  const previous = siblings[siblings.indexOf(item) - 1];
  const after = commaAfter(text, endOf(item));
  // Without a comma behind it, it is the last one: then the comma in front of it has nothing to part any more.
  const before = after === undefined && previous !== undefined ? commaAfter(text, endOf(previous)) : undefined;
  const start = lineStart(text, item.offset);
  const isFirst = text.slice(start, item.offset).trim() === '';
  // A comma right behind it goes together with it, one behind a comment by itself.
  const isNext = after !== undefined && text.slice(endOf(item), after).trim() === '';
  const end = isNext ? after + 1 : endOf(item);
  const others = [isNext ? undefined : after, before].flatMap((comma) =>
    comma === undefined ? [] : [deletion(comma, comma + 1)],
  );
  const blank = matchAt(SPACE_TO_NEXT_LINE, text, end);
  const endsLine = blank.endsWith('\n');
  if (isFirst && endsLine && start > 0) return [deletion(start, end + blank.length), ...others];
  if (before === undefined || isFirst) return [deletion(item.offset, end + (endsLine ? 0 : blank.length)), ...others];
  // The last one of a line: the space in front of it goes with it, the space behind it stays.
  const space = /[ \t]*$/.exec(text.slice(before + 1, item.offset))?.[0] ?? '';
  return [deletion(item.offset - space.length, end), ...others];
}

/** The comma that follows, with nothing but space and comments between. */
function commaAfter(text: string, offset: number): number | undefined {
  const at = offset + matchAt(SPACE_AND_COMMENTS, text, offset).length;
  return text[at] === ',' ? at : undefined;
}

/** The end of the line behind its comments, and whether there is nothing but them. */
function restOfLine(text: string, offset: number): { end: number; isLast: boolean } {
  const end = offset + matchAt(COMMENTS_OF_LINE, text, offset).length;
  return { end, isLast: matchAt(LINE_BREAK, text, end) !== '' };
}

function matchAt(pattern: RegExp, text: string, offset: number): string {
  const sticky = new RegExp(pattern, 'y');
  sticky.lastIndex = offset;
  return sticky.exec(text)?.[0] ?? '';
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

function lineBreak(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

/** What the text's first indented line begins with. */
function indentUnit(text: string): string {
  return /^[ \t]+(?=[^\s])/m.exec(text)?.[0] ?? '  ';
}

/** JSON in one line, with spaces as in `{ "layer": 3, "ban": ["no-op"] }`. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  if (members.length === 0) return '{}';
  return `{ ${members.map(([name, member]) => `${JSON.stringify(name)}: ${inline(member)}`).join(', ')} }`;
}
