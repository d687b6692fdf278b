import { findNodeAtLocation, type JSONPath, parseTree } from 'jsonc-parser';
import { z } from 'zod';
import { quoteValue } from '../formats/quote.js';

type Issue = z.core.$ZodIssue;

/** What a value should have been, by the name of its type. */
const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list in [ ]',
  object: 'fields in { }',
  record: 'fields in { }',
};

/**
 * What is wrong with a spec, for people: line, field, what it is and what is expected there, one line per problem.
 *
 * @param text the file, valid JSON with comments
 */
export function describeProblems(text: string, issues: readonly Issue[], schema: z.ZodType): string {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const lineOf = (path: JSONPath): number => {
    // A field is looked for by its name, or, when it is missing, where the object begins that lacks it.
    const node = tree && findNodeAtLocation(tree, path);
    if (node === undefined) return path.length === 0 ? 1 : lineOf(path.slice(0, -1));
    const { offset } = node.parent?.type === 'property' ? node.parent : node;
    return text.slice(0, offset).split('\n').length;
  };
  const problems = issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    if (issue.code !== 'unrecognized_keys') return [{ path, problem: describe(issue) }];
    const known = fieldsAt(schema, path).join(', ');
    return issue.keys.map((key) => ({ path: [...path, key], problem: `is not a known field here; known: ${known}` }));
  });
  const told = problems.map(({ path, problem }) => {
    const field = path.length === 0 ? 'the spec' : path.join('.');
    return { line: lineOf(path), text: `${field} ${problem}` };
  });
  return told
    .sort((a, b) => a.line - b.line)
    .map(({ line, text: problem }) => `line ${line}: ${problem}`)
    .join('; ');
}

function describe(issue: Issue): string {
  const { input } = issue;
  // Where the kind of an object is told by one of its fields, the field is at fault, not the object.
  const given = 'discriminator' in issue ? (input as Record<string, unknown>)[issue.discriminator ?? ''] : input;
  return `is ${given === undefined ? 'missing' : quoteValue(given)}; expected: ${expectation(issue)}`;
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return EXPECTED[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.map(quoteValue).join(' or ');
    case 'too_small':
      if (issue.origin !== 'number') return 'not empty';
      return `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `at most ${issue.maximum}`;
    case 'invalid_union':
      if ('options' in issue) return issue.options.map(quoteValue).join(' or ');
      return issue.errors.flatMap((branch) => branch.map(expectation)).join(' or ');
    default:
      return issue.message;
  }
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
}

/** The names that an object at `path` may have fields of. */
function fieldsAt(schema: z.ZodType, path: JSONPath): string[] {
  const alternatives = (node: JsonSchema): JsonSchema[] => [node, ...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  let nodes = alternatives(z.toJSONSchema(schema, { io: 'input' }) as JsonSchema);
  for (const step of path) nodes = nodes.flatMap(({ properties }) => properties?.[step] ?? []).flatMap(alternatives);
  const names = nodes.flatMap(({ properties }) => Object.keys(properties ?? {}));
  return [...new Set(names)].filter((name) => !name.startsWith('$'));
}
