/** A button of a message: its text, and what it does. */
export interface MessageAction {
  title: string;
  act: () => PromiseLike<unknown>;
}

type Show = (message: string, ...items: string[]) => PromiseLike<string | undefined>;

/** Shows a message that does not block anything, and does what the chosen button says. */
export async function offer(show: Show, message: string, actions: readonly MessageAction[]): Promise<void> {
  const chosen = await show(message, ...actions.map(({ title }) => title));
  await actions.find(({ title }) => title === chosen)?.act();
}
