import { existsSync } from 'node:fs';
import { writeDirectory } from '../../src/run/artifacts.js';
import { taskKey } from '../../src/run/task-key.js';
import { assembleChild } from '../../src/search/assemble.js';
import { chosenLayers } from '../../src/search/chosen-shapes.js';
import { type Model, modelHash, openModel, type SearchContext } from '../../src/search/context.js';
import { compareTasks, type Estimate } from '../../src/search/evaluate/kept.js';
import { scoreTaskFiles, taskFiles } from '../../src/search/evaluate/scores.js';
import { compareOnText } from '../../src/search/evaluate/text.js';
import type { LayerChoice } from '../../src/search/solve.js';
import { besideLibrary, type ScoredBlocks } from './library.js';

/** The folder of the child that an architecture makes of a library, before any uptraining. */
export async function assembled(blocks: ScoredBlocks, architecture: readonly LayerChoice[]): Promise<string> {
  const names = architecture.map(({ attention, ffn }) => [attention, ffn]);
  const dir = besideLibrary(blocks, 'assembled', taskKey('child', { library: blocks.key, names }).slice(0, 12));
  if (existsSync(dir)) return dir;
  const chosen = chosenLayers(blocks.variants, blocks, architecture);
  await writeDirectory(dir, (temporary) => assembleChild(blocks.context.parent, chosen, temporary));
  return dir;
}

/** What a child is worth beside its parent. */
export interface Judgement {
  /** On test text: KL(parent ‖ child), nats/token, and the language-model loss of both. */
  kl: number;
  lmLoss: number;
  parentLmLoss: number;
  /** Mean accuracy over the tasks as a share of the parent's, with the paired standard error; null where none were done. */
  kept: Estimate | null;
}

/** The child in a folder, on test text and, which takes longer, on the subject's tasks. */
export async function judge({ context, data }: ScoredBlocks, dir: string, withTasks = true): Promise<Judgement> {
  const { parent, budgets, threads } = context;
  const child = await openModel(dir);
  const text = await compareOnText(parent, child, data.splits.test, budgets.testTokens, { threads });
  const kept = withTasks ? await accuracyKept(context, child) : null;
  return {
    kl: text.kl,
    lmLoss: Math.log(text.childPerplexity),
    parentLmLoss: Math.log(text.parentPerplexity),
    kept,
  };
}

async function accuracyKept(context: SearchContext, child: Model): Promise<Estimate | null> {
  const files = await taskFiles(context.spec.tasks);
  const answers = (model: Model, hash: string) => scoreTaskFiles(context, { model, hash }, files, () => undefined);
  const ofParent = await answers(context.parent, context.parentHash);
  return compareTasks(ofParent, await answers(child, await modelHash(child))).accuracy.sum.kept;
}
