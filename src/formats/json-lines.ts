import { InputError, messageOf } from '../common/errors.js';
import { isRecord } from './json-file.js';
import type { Line } from './lines.js';
import { quote, quoteValue } from './quote.js';

/** The JSON object on one line of a `.jsonl` file; InputError with the file and the line. */
export function parseJsonLine(path: string, line: Line): Record<string, unknown> {
  const where = `${path}: line ${line.number}`;
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch (error) {
    throw new InputError(`is not valid JSON: ${quote(messageOf(error))}`, where, { cause: error });
  }
  if (!isRecord(value)) throw new InputError(`an object is expected, not ${quoteValue(value)}`, where);
  return value;
}
