/** What is known about the runs at hand, for `enablement` and `when` clauses. Set by `runs/context-keys.ts`. */
export const CONTEXT_KEYS = {
  /** Some run is known. */
  runs: 'puzzle.runs',
  running: 'puzzle.running',
  /** Some run has a process, at work or paused. */
  alive: 'puzzle.alive',
  /** Some run can be gone on with. */
  resumable: 'puzzle.resumable',
  /** Some run has scores and costs, so that other limits can be solved for. */
  solvable: 'puzzle.solvable',
  finished: 'puzzle.finished',
  /** Paths of the workspace's folders that hold a model. */
  modelFolders: 'puzzle.modelFolders',
  /** Paths of those that are Puzzletron working directories. */
  puzzletronFolders: 'puzzle.puzzletronFolders',
} as const;
