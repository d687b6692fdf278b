/** The variable that names the file for the activation times. */
export const ACTIVATION_VARIABLE = 'PUZZLE_BENCH_ACTIVATION';
