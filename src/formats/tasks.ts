import { basename, extname } from 'node:path';
import { InputError } from '../common/errors.js';
import { parseJsonLine } from './json-lines.js';
import { readLines } from './lines.js';
import { quoteValue } from './quote.js';

/** One multiple-choice question: which of the choices continues the context. */
export interface TaskItem {
  /** May be empty: then the choices are whole texts. */
  context: string;
  choices: string[];
  /** Index of the right choice. */
  answer: number;
}

/** A family of questions, named after its file. */
export interface Task {
  name: string;
  items: TaskItem[];
}

const MAX_ITEMS = 1_000_000;
const MAX_CHOICES = 64;

/** Reads a JSONL file of `{"context", "choices", "answer"}`; InputError with the line and the field. */
export async function readTask(path: string): Promise<Task> {
  const items: TaskItem[] = [];
  for await (const line of readLines(path)) {
    if (line.text.trim() === '') continue;
    if (items.length === MAX_ITEMS) throw new InputError(`has more than ${MAX_ITEMS} questions`, path);
    items.push(parseItem(parseJsonLine(path, line), `${path}: line ${line.number}`));
  }
  if (items.length === 0) throw new InputError('holds no questions', path);
  return { name: basename(path, extname(path)), items };
}

function parseItem({ context, choices, answer }: Record<string, unknown>, where: string): TaskItem {
  if (typeof context !== 'string') throw bad('context', context, 'a string is expected', where);
  if (!isChoices(choices)) throw bad('choices', choices, `2 to ${MAX_CHOICES} non-empty strings are expected`, where);
  if (typeof answer !== 'number' || !Number.isInteger(answer) || answer < 0 || answer >= choices.length) {
    throw bad('answer', answer, `an index from 0 to ${choices.length - 1} is expected`, where);
  }
  return { context, choices, answer };
}

function isChoices(value: unknown): value is string[] {
  if (!Array.isArray(value) || value.length < 2 || value.length > MAX_CHOICES) return false;
  return value.every((choice) => typeof choice === 'string' && choice !== '');
}

function bad(field: string, value: unknown, advice: string, where: string): InputError {
  return new InputError(`"${field}" is ${quoteValue(value)}; ${advice}`, where);
}
