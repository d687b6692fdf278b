import { RunReader } from '../../run/view.js';

/** The spec that the run in a directory was last started with, as its log has it; undefined where there is no run. */
export async function readStartedSpec(runDir: string): Promise<unknown> {
  const reader = new RunReader(runDir);
  return (await reader.read()) === undefined ? undefined : reader.state().header['spec'];
}
