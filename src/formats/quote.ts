/** How much of a foreign text is repeated in a message. */
const MAX_SHOWN_CHARS = 120;

/**
 * A foreign string as it may stand in a message: quoted, cut to a readable length, and every character outside
 * printable ASCII escaped, so that a hostile name cannot move the cursor, hide text or pretend to be another name.
 */
export function quote(text: string): string {
  const shown = text.length > MAX_SHOWN_CHARS ? text.slice(0, MAX_SHOWN_CHARS) : text;
  const escaped = JSON.stringify(shown).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return shown.length < text.length ? `${escaped}… (${text.length} characters)` : escaped;
}

/** Any JSON value (or its absence) as it may stand in a message. */
export function quoteValue(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (value === undefined) return 'absent';
  const text = JSON.stringify(value).replace(/[^\x20-\x7e]/g, '?');
  return text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text;
}

/** A foreign string as one word of a shell command that the reader may paste. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
