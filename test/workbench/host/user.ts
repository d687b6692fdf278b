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
 * what comes after the last, means that the question is dismissed. An answer of a message is the text of its button.
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
      const items = name === 'showQuickPick' ? ((await first) as unknown[]) : rest;
      const answer = waiting.shift();
      if (typeof answer !== 'string' || name === 'showInputBox') return answer;
      return items.find((item) => labelOf(item).includes(answer));
    };
  Object.assign(window, Object.fromEntries(ASKING.map((name) => [name, replacement(name)])));
  try {
    return await work(user);
  } finally {
    Object.assign(window, originals);
  }
}

function labelOf(item: unknown): string {
  if (typeof item === 'string') return item;
  return typeof item === 'object' && item !== null && 'label' in item ? String(item.label) : '';
}
