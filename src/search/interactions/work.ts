import type { SearchContext } from '../context.js';
import { type AdditiveProgram, architectureOf } from '../solve.js';
import { StageParts } from '../tasks.js';
import type { Realised } from './realise.js';
import { type BuildingBlocks, realiseRequest, type SequenceRange } from './tasks.js';

/** The tasks that a search of whole architectures asks for, as one part of the solve stage. */
export class Work {
  private readonly parts: StageParts;

  constructor(
    private readonly context: SearchContext,
    private readonly blocks: BuildingBlocks,
    private readonly program: AdditiveProgram,
    /** Architectures that will be measured, for the progress. */
    expected: number,
  ) {
    this.parts = new StageParts(context, 'solve', expected);
  }

  /** KL of each sequence of some text, per architecture; undefined where it is not a number. */
  async realise(
    architectures: readonly (readonly number[])[],
    range: SequenceRange,
  ): Promise<(number[] | undefined)[]> {
    const tasks = architectures.map((choices) =>
      realiseRequest(this.context, this.blocks, architectureOf(this.program, choices), range),
    );
    return (await this.parts.run([{ tasks }])).map(({ result }) => {
      const realised = result as Realised | { failed: string };
      return 'failed' in realised ? undefined : realised.kl;
    });
  }

  /** Ends the stage. */
  finish(): void {
    this.parts.finish();
  }
}
