import { type Measurement, ofSample } from './row.js';

/** Work that is timed again and again: `amount` in any unit that subject and reference share, done by one `run`. */
export interface Timed {
  amount: number;
  run: () => Promise<unknown>;
}

/** As few as give quartiles that mean something. */
export const PAIRS = 15;

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/**
 * The subject's rate (amount per second) over the reference's, in pairs that follow each other at once, so that whatever
 * else the machine does meets both alike. The reference is repeated until it has done about the subject's amount. The
 * first pair is not counted.
 */
export async function relativeRate(reference: Timed, subject: Timed, pairs = PAIRS): Promise<Measurement> {
  const repeats = Math.max(1, Math.round(subject.amount / reference.amount));
  const referenceRate = async () => {
    const seconds = await secondsOf(async () => {
      for (let i = 0; i < repeats; i++) await reference.run();
    });
    return (repeats * reference.amount) / seconds;
  };
  const subjectRate = async () => subject.amount / (await secondsOf(subject.run));
  const ratios: number[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    const bare = await referenceRate();
    const ratio = (await subjectRate()) / bare;
    if (pair > 0) ratios.push(ratio);
  }
  return ofSample(ratios);
}
