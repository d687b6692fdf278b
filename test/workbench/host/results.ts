/** The variable that names the file for the results of the tests in the extension host. */
export const RESULTS_VARIABLE = 'PUZZLE_TEST_RESULTS';
/** The variable that names the folder of the searches that tests copy. */
export const SEARCHES_VARIABLE = 'PUZZLE_TEST_SEARCHES';

export interface HostTestResult {
  title: string;
  state: 'passed' | 'failed' | 'skipped';
  seconds?: number;
  /** Why it failed, or was skipped. */
  detail?: string;
}
