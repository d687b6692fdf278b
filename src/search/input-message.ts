import { InputError, messageOf } from '../common/errors.js';
import { errorCode } from '../run/disk.js';

/** What an error says about the input or the machine; errors that say nothing about either are ours, and thrown on. */
export function inputMessage(error: unknown): string {
  if (error instanceof InputError || errorCode(error) !== undefined) return messageOf(error);
  throw error;
}
