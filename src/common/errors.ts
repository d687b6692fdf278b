/**
 * Something the user gave (a file, a flag, a spec) cannot be used. The message says what happened, where, and what to
 * do about it; the CLI prints it without a stack and exits with 2. Every other error is ours and exits with 1.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
  /** Where: a file, optionally with a tensor, a field or a line. */
  readonly where: string | undefined;
  /** What happened and what to do: the message without `where` in front. */
  readonly reason: string;

  constructor(message: string, where?: string, options?: ErrorOptions) {
    super(where === undefined ? message : `${where}: ${message}`, options);
    this.where = where;
    this.reason = message;
  }
}

/** The run was asked to stop; not a failure. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';

  constructor(message = 'cancelled') {
    super(message);
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
