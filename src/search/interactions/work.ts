import type { FinishedTask } from '../../run/run.js';
import type { SearchContext, TaskRequest } from '../context.js';
import { type AdditiveProgram, architectureOf } from '../solve.js';
import { finishStage, runTasksOf } from '../tasks.js';
import type { Sketched } from './marks.js';
import type { Realised } from './realise.js';
import { readSketch } from './sketch.js';
import { type BuildingBlocks, realiseRequest, type SequenceRange, sketchRequest } from './tasks.js';

/** Sequences that sketches are made on: their errors are small long before those of what they predict. */
const SKETCH_SEQUENCES = 8;

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

  /** The sketches of every variant of the library. */
  async sketches(sequences: number): Promise<Sketched[]> {
    const { library } = this.blocks;
    const least = Math.min(SKETCH_SEQUENCES, sequences);
    const done = await this.run(library.map((entry) => sketchRequest(this.context, this.blocks, entry, least)));
    return Promise.all(
      library.map(async ({ layer, half, variant }, i) => ({
        ...{ layer, half, variant: variant.name },
        sketch: await readSketch(this.context.run.path(done[i]?.artifact ?? '')),
      })),
    );
  }

  /** Ends the stage. */
  finish(): void {
    finishStage(this.context, 'solve', this.finished);
  }

  private async run(tasks: readonly TaskRequest[]): Promise<FinishedTask[]> {
    const before = this.finished.length;
    const total = Math.max(before + tasks.length, this.blocks.library.length + this.expected);
    const done = await runTasksOf(this.context, 'solve', tasks, { before, total });
    this.finished.push(...done);
    return done;
  }
}
