import { CancelledError, InputError, messageOf } from '../common/errors.js';
import { StorageError } from '../run/disk.js';
import { CrashError } from '../worker/pool.js';

/** What a command has to say: the same twice, for programs and for people. */
export interface Answer {
  /** The one object that `--json` prints. */
  json: object;
  /** What is printed without `--json`. */
  text: string;
  /** Exit status of an answer that is a "no"; 0 where absent. */
  status?: number;
}

/** Exit statuses, the same for every command. */
export const EXIT = { ok: 0, failed: 1, badInput: 2 } as const;

/** A line for people who watch: always on stderr, so that stdout holds the answer alone. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * Does a command and prints its answer on stdout, or what went wrong on stderr. With `json` exactly one JSON object is
 * written to stdout, in case of an error too: `{"error": {"message", "where"}}`.
 *
 * @returns the exit status
 */
export async function answer(json: boolean, command: () => Promise<Answer>): Promise<number> {
  try {
    const { json: object, text, status = EXIT.ok } = await command();
    print(json ? JSON.stringify(object) : text);
    return status;
  } catch (error) {
    return fail(json, error);
  }
}

/** Tells of an error as {@link answer} does, and returns the exit status. */
export function fail(json: boolean, error: unknown): number {
  const message = messageOf(error);
  say(isExpected(error) || !(error instanceof Error) ? `error: ${message}` : `error: ${error.stack ?? message}`);
  const where = error instanceof InputError ? (error.where ?? null) : null;
  if (json) print(JSON.stringify({ error: { message, where } }));
  return error instanceof InputError ? EXIT.badInput : EXIT.failed;
}

/** Errors whose message says all there is to say; the others are ours to explain, and show where they come from. */
function isExpected(error: unknown): boolean {
  return [InputError, CancelledError, StorageError, CrashError].some((type) => error instanceof type);
}

function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}
