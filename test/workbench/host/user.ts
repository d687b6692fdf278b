/** The person at the editor: answers what the extension asks, and remembers what it said. */
import { type Uri, window } from 'vscode';

type Answer = string | Uri[] | undefined;

const ASKING = [
  'showErrorMessage',
  'showWarningMessage',
  'showInformationMessage',
  'showQuickPick',
  'showInputBox',
  'showOpenDialog',
] as const;
type Asking = (typeof ASKING)[number];

export interface User {
  /** The messages that were shown, in order. */
  readonly told: string[];
}

/**
 * Does `work` while questions and messages get these answers, in their order, in place of a person's; undefined, also for
 * what comes after the last, means that the question is dismissed. A text answers with what bears it: a button, an item,
 * all such items where several may be picked.
 */
export async function withUser<Result>(
  answers: readonly Answer[],
  work: (user: User) => PromiseLike<Result>,
): Promise<Result> {
  const user = { told: [] as string[] };
  const waiting = [...answers];
  const originals = Object.fromEntries(ASKING.map((name) => [name, window[name]]));
  const replacement =
    (name: Asking) =>
    async (first: unknown, ...rest: unknown[]) => {
      if (name.endsWith('Message')) user.told.push(String(first));
      const answer = waiting.shift();
      if (typeof answer !== 'string' || name === 'showInputBox') return answer;
      const items = name === 'showQuickPick' ? ((await first) as unknown[]) : rest;
      const chosen = items.filter((item) => labelOf(item).includes(answer));
      return picksMany(rest) ? chosen : chosen[0];
    };
  Object.assign(window, Object.fromEntries(ASKING.map((name) => [name, replacement(name)])));
  try {
    return await work(user);
  } finally {
    Object.assign(window, originals);
  }
}

function picksMany([options]: readonly unknown[]): boolean {
  return typeof options === 'object' && options !== null && 'canPickMany' in options && options.canPickMany === true;
}

function labelOf(item: unknown): string {
  if (typeof item === 'string') return item;
  return typeof item === 'object' && item !== null && 'label' in item ? String(item.label) : '';
}
