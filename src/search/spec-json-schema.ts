import * as z from 'zod';
import { specSchema } from './spec-schema.js';

/**
 * The JSON schema of a spec, for editors: what `parseSpec` checks, with descriptions, defaults and examples, and the
 * metrics that can be limited by name. Draft 7, which every editor knows.
 */
export function specJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(specSchema, {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => {
      // A whole number without a bound of its own; the number would only clutter what editors show.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return { ...schema, title: 'Puzzle search', allowComments: true, allowTrailingCommas: true };
}
