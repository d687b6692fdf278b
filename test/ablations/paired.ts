import { openRun } from '../../src/run/run.js';
import { createContext, modelHash, openModel } from '../../src/search/context.js';
import { compareTasks, type Estimate } from '../../src/search/evaluate/kept.js';
import { scoreTaskFiles, taskFiles } from '../../src/search/evaluate/scores.js';
import { storedSpec } from '../../src/search/stored-spec.js';
import { createExecutor } from '../../src/worker/executor.js';

/**
 * Mean accuracy of the model in `to` minus that of the one in `from`, paired over the items of the run's tasks. Answers
 * that the run has are not given again.
 */
export async function pairedDifference(runDir: string, from: string, to: string): Promise<Estimate> {
  const run = await openRun(runDir);
  try {
    const spec = await storedSpec(runDir);
    const context = await createContext(run, spec, createExecutor());
    const files = await taskFiles(spec.tasks);
    const answers = async (dir: string) => {
      const model = await openModel(dir);
      return scoreTaskFiles(context, { model, hash: await modelHash(model) }, files, () => undefined);
    };
    return compareTasks(await answers(from), await answers(to)).accuracy.sum.difference;
  } finally {
    await run.close();
  }
}
