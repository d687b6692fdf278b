import type { JSONPath, Node } from 'jsonc-parser';
import * as z from 'zod';
import { quoteValue } from '../formats/quote.js';
import { lineAt, spanOf } from './spec-text.js';

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

/** One thing that is wrong with a spec. */
export interface SpecProblem {
  path: JSONPath;
  /** Whether the name of the field is at fault, or its value. */
  part: 'name' | 'value';
  /** What it is, and what is expected there. */
  message: string;
}

/** What a schema finds wrong, for people. */
export function specProblems(issues: readonly Issue[], schema: z.ZodType): SpecProblem[] {
  return issues.flatMap((issue): SpecProblem[] => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    if (issue.code !== 'unrecognized_keys') return [{ path, part: 'value', message: describe(issue) }];
    const known = fieldsAt(schema, path).join(', ');
    return issue.keys.map((key) => ({
      path: [...path, key],
      part: 'name',
      message: `is not a known field here; known: ${known}`,
    }));
  });
}

/** The name of a field in messages: `target.workload.batch`. */
export function fieldName(path: JSONPath): string {
  return path.length === 0 ? 'the spec' : path.join('.');
}

/** Problems of a spec in one text: line, field, what it is and what is expected there, in the order of the lines. */
export function describeProblems(text: string, tree: Node | undefined, problems: readonly SpecProblem[]): string {
  return problems
    .map(({ path, message }) => ({
      line: lineAt(text, spanOf(tree, path, 'name').start),
      told: `${fieldName(path)} ${message}`,
    }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, told }) => `line ${line}: ${told}`)
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
