import path from 'node:path';
import * as z from 'zod';
import { InputError } from '../common/errors.js';
import { isFile, readJsonFile } from '../formats/json-file.js';
import { writeJson } from '../run/artifacts.js';
import { eventsPath, readEvents } from '../run/event-log.js';
import { readSolution } from './stored-solution.js';

// The architectures that a run has been solved for: the one that its child has, those that the log tells of, and those
// that a person kept. Nothing here loads a solver.

/** What a person kept, in the run directory. */
const KEPT_FILE = 'kept-solutions.json';
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

const amount = z.number().nonnegative();
const metrics = z.object({
  throughput: amount,
  memory: amount,
  latency: amount,
  parameters: amount,
  kvCache: amount,
});

/** An architecture with the limits it was the optimum for. */
export const runSolutionSchema = z.object({
  /** As the spec has them: `throughput >= 2.17x`. */
  limits: z.array(z.string()),
  /** Sum of scores, nats/token. */
  objective: z.number(),
  /** Predicted, of the architecture and of the parent: tokens/s, bytes, seconds, parameters, bytes. */
  totals: metrics,
  parent: metrics,
  /** Names of the variants of each layer. */
  architecture: z.array(z.object({ attention: z.string(), ffn: z.string() })),
});
export type RunSolution = z.infer<typeof runSolutionSchema>;
/** What tells a solution from others. */
export type SolutionIdentity = Pick<RunSolution, 'limits' | 'architecture'>;

/** Of what a solve came to, as it is stored. */
const solvedSchema = runSolutionSchema
  .extend({ limits: z.array(z.object({ text: z.string() })) })
  .transform(({ limits, ...solution }): RunSolution => ({ ...solution, limits: limits.map(({ text }) => text) }));

/** What the child of a run is made from; null where the run has not come to it. */
export async function ownSolution(runDir: string): Promise<RunSolution | null> {
  // What an earlier version of the program wrote may lack something.
  return solvedSchema.safeParse(await readSolution(runDir)).data ?? null;
}

/** Every solve that the search went through, in order; of equal ones the last. Empty where there is no run. */
export async function loggedSolutions(runDir: string): Promise<RunSolution[]> {
  const solves = new Set<string>();
  const found = new Map<string, RunSolution>();
  for await (const { event } of readEvents(eventsPath(runDir))) {
    if (event.type === 'task-started' && event.kind === 'solve') solves.add(event.key);
    if (event.type !== 'task-finished' || !solves.has(event.key)) continue;
    // What an earlier version of the program wrote may lack something.
    const { data } = solvedSchema.safeParse(event.result);
    if (data === undefined) continue;
    const id = identity(data);
    found.delete(id);
    found.set(id, data);
  }
  return [...found.values()];
}

/** The solutions that were kept for a run, in order. Throws InputError where the file cannot be understood. */
export async function keptSolutions(runDir: string): Promise<RunSolution[]> {
  const file = path.join(runDir, KEPT_FILE);
  if (!(await isFile(file))) return [];
  const parsed = z.array(runSolutionSchema).safeParse(await readJsonFile(file, MAX_KEPT_BYTES));
  if (!parsed.success) throw new InputError('is not a list of solutions; remove it', file);
  return parsed.data;
}

/** Keeps a solution for a run, once. */
export async function keepSolution(runDir: string, solution: RunSolution): Promise<void> {
  const others = (await keptSolutions(runDir)).filter((kept) => !isSameSolution(kept, solution));
  await writeJson(path.join(runDir, KEPT_FILE), [...others, solution]);
}

/** Forgets a solution that was kept, if it is there. */
export async function dropSolution(runDir: string, solution: SolutionIdentity): Promise<void> {
  const kept = await keptSolutions(runDir);
  const others = kept.filter((one) => !isSameSolution(one, solution));
  if (others.length < kept.length) await writeJson(path.join(runDir, KEPT_FILE), others);
}

/** Whether two are the same architecture for the same limits. */
export function isSameSolution(one: SolutionIdentity, other: SolutionIdentity): boolean {
  return identity(one) === identity(other);
}

function identity({ limits, architecture }: SolutionIdentity): string {
  return JSON.stringify([limits, architecture.map(({ attention, ffn }) => [attention, ffn])]);
}
