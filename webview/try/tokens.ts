import * as l10n from '@vscode/l10n';
const MAX_TOKENS = 1024;

/** The number that a field holds; null where it is not one that can be asked for. */
export function parseTokens(text: string): number | null {
  const tokens = Number(text);
  return /^\d+$/.test(text.trim()) && tokens >= 1 && tokens <= MAX_TOKENS ? tokens : null;
}

/** What to tell of a field that holds no such number. */
export function tokensProblem(text: string): string | null {
  return parseTokens(text) === null ? l10n.t('1 to {0} tokens', MAX_TOKENS) : null;
}
