// What the stages leave in the run directory for others to read, beside the artifacts of their tasks.

/** The scores as the solver sees them. */
export const SCORES_FILE = 'scores.json';
export const MAX_SCORES_BYTES = 16 * 2 ** 20;

/** Every trained variant with its losses and scores. */
export const LIBRARY_FILE = 'library.json';

/** The cost table that the run is solved with. */
export const COSTS_FILE = 'costs.json';
export const MAX_COSTS_BYTES = 4 * 2 ** 20;

/** Cost tables of other targets that were measured here, each under its key. */
export const TARGETS_DIR = 'targets';
