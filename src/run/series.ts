import type { EventOf, RunEvent, Stage } from './events.js';

/** One loss curve. Values that were not finite are null. */
export interface Series {
  /** Unique in the run: `distil/3/ffn/ffn-50%`, `uptrain/validation KL`. */
  id: string;
  stage: Stage;
  /** The variant that is trained (its name is then `name`), or null for curves of whole models. */
  layer: number | null;
  half: 'attention' | 'ffn' | null;
  name: string;
  steps: number[];
  values: (number | null)[];
}

/** How a series of one variant is called in the log: `3/ffn/ffn-50%`. */
const VARIANT = /^(\d{1,6})\/(attention|ffn)\/(.+)$/;

/** Folds the `loss` events of a log, in order, into its curves. */
export class SeriesFold {
  private readonly curves = new Map<string, Series>();
  /** The task that each curve is of. */
  private readonly keys = new Map<string, string | undefined>();

  apply(event: RunEvent): void {
    if (event.type === 'loss') this.add(event);
  }

  /** Every curve, those that appeared first in front. They grow with later events. */
  all(): readonly Series[] {
    return [...this.curves.values()];
  }

  private add({ key, stage, series: name, steps, values }: EventOf<'loss'>): void {
    const id = `${stage}/${name}`;
    const curve = this.curves.get(id) ?? emptyCurve(id, stage, name);
    this.curves.set(id, curve);
    // Another task is another curve. The same task begun again repeats steps: what it told before no longer counts.
    const kept = this.keys.get(id) === key ? pointsBefore(curve, steps[0] ?? Infinity) : 0;
    this.keys.set(id, key);
    curve.steps.length = kept;
    curve.values.length = kept;
    // One by one: as arguments, a line full of points would be too many.
    for (const [i, step] of steps.entries()) {
      curve.steps.push(step);
      curve.values.push(values[i] ?? null);
    }
  }
}

function emptyCurve(id: string, stage: Stage, series: string): Series {
  const [, layer, half, variant] = VARIANT.exec(series) ?? [];
  if (layer === undefined || variant === undefined) {
    return { id, stage, layer: null, half: null, name: series, steps: [], values: [] };
  }
  return { id, stage, layer: Number(layer), half: half as 'attention' | 'ffn', name: variant, steps: [], values: [] };
}

/** How many points lie before a step: usually all of them. */
function pointsBefore({ steps }: Series, first: number): number {
  let count = steps.length;
  while (count > 0 && (steps[count - 1] ?? 0) >= first) count--;
  return count;
}
