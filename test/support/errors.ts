import assert from 'node:assert/strict';
import { InputError } from '../../src/common/errors.js';

/** For assert.throws and assert.rejects: an InputError whose message matches every pattern. */
export function saying(...patterns: RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof InputError, `an InputError, not ${String(error)}`);
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  };
}
