import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;
/** Only a guard: what is awaited takes seconds, but machines can be slow and have other work. */
const LIMIT_MS = 120_000;

/** The first answer that is neither undefined nor false. Rejects, saying what was awaited, when none comes in time. */
export async function until<Answer>(
  what: string,
  look: () => Answer | undefined | false | PromiseLike<Answer | undefined | false>,
  limitMs = LIMIT_MS,
): Promise<Answer> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await look();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${limitMs / 1000} s: ${what}`);
    await sleep(POLL_MS);
  }
}
