import { createScanner } from 'jsonc-parser';

/** Deeper texts are none of those that are read here, and a parser that calls itself must not follow them. */
export const MAX_JSON_DEPTH = 64;

/** Whether brackets in a text in JSON with comments, valid or not, are nested deeper than {@link MAX_JSON_DEPTH}. */
export function isTooDeep(text: string): boolean {
  const scanner = createScanner(text, true);
  let depth = 0;
  while (scanner.getPosition() < text.length) {
    scanner.scan();
    // Only brackets begin with one: texts begin with a quote, and comments are passed over.
    const first = text.charAt(scanner.getTokenOffset());
    if (first === '{' || first === '[') depth++;
    if (first === '}' || first === ']') depth--;
    if (depth > MAX_JSON_DEPTH) return true;
  }
  return false;
}
