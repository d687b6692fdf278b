import type { Context } from 'mocha';

/** Of a test that was skipped; each file of tests is a program of its own, so the test itself carries it. */
interface Skipped {
  why?: string;
}

/** Skips the test that is running, and says why. */
export function skip(context: Context, why: string): never {
  Object.assign(context.runnable(), { why } satisfies Skipped);
  return context.skip();
}

/** Why a test was skipped; undefined where it was by no {@link skip}. */
export function skipReason(test: object): string | undefined {
  return (test as Skipped).why;
}
