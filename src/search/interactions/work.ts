import type { FinishedTask } from '../../run/run.js';
import type { SearchContext, TaskRequest } from '../context.js';
import { type AdditiveProgram, architectureOf } from '../solve.js';
import { finishStage, runTasksOf } from '../tasks.js';
import type { Realised } from './realise.js';
import { type BuildingBlocks, realiseRequest, type SequenceRange } from './tasks.js';

/** The tasks that a search of whole architectures asks for, as one part of the solve stage. */
export class Work {
  private readonly finished: FinishedTask[] = [];

  constructor(
    private readonly context: SearchContext,
    private readonly blocks: BuildingBlocks,
    private readonly program: AdditiveProgram,
    /** Architectures that will be measured, for the progress. */
    private readonly expected: number,
  ) {}

  /** KL of each sequence of some text, per architecture; undefined where it is not a number. */
  async realise(
    architectures: readonly (readonly number[])[],
    range: SequenceRange,
  ): Promise<(number[] | undefined)[]> {
    const tasks = architectures.map((choices) =>
      realiseRequest(this.context, this.blocks, architectureOf(this.program, choices), range),
    );
    return (await this.run(tasks)).map(({ result }) => {
      const realised = result as Realised | { failed: string };
      return 'failed' in realised ? undefined : realised.kl;
    });
  }

  /** Ends the stage. */
  finish(): void {
    finishStage(this.context, 'solve', this.finished);
  }

  private async run(tasks: readonly TaskRequest[]): Promise<FinishedTask[]> {
    const before = this.finished.length;
    const total = Math.max(before + tasks.length, this.expected);
    const done = await runTasksOf(this.context, 'solve', [{ tasks }], { before, total });
    this.finished.push(...done);
    return done;
  }
}
