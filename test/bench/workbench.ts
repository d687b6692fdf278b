// The extension as its users feel it, in a real workbench in Chromium.
import path from 'node:path';
import { type WorkbenchPrograms, preparePrograms } from '../workbench/programs.js';
import { activationTimes } from './activation.js';
import { CHOICES, LAYERS } from './deep-run.js';
import { editTimes, worstFrames } from './panel.js';
import { type Benchmark, type Measurement, ofSample } from './row.js';

const ACTIVATIONS = 15;
const PERCENTILE = 0.95;

async function programs(): Promise<WorkbenchPrograms> {
  const found = await preparePrograms();
  if ('reason' in found) throw new Error(`a workbench ${found.reason}`);
  return found;
}

/** The value below which that share of a sample lies; low and high are its smallest and its largest. */
function percentile(sample: readonly number[], share: number): Measurement {
  const sorted = sample.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? NaN;
  return {
    value: at(Math.ceil(share * sorted.length) - 1),
    n: sorted.length,
    low: at(0),
    high: at(sorted.length - 1),
  };
}

/** `scratch` is an empty folder. */
export function workbenchBenchmarks(scratch: string): Benchmark[] {
  const folder = (name: string) => path.join(scratch, name);
  return [
    {
      name: 'activation-ms',
      unit: 'ms',
      what: 'from the call to activate the extension to its end, the loading of its code included, each in a new extension host that has nothing else to do',
      measure: async () => ofSample(await activationTimes(await programs(), folder('activation'), ACTIVATIONS)),
    },
    {
      name: 'constraint-edit-to-map-p95-ms',
      unit: 'ms',
      what: 'from an edit of a limit in the panel, which is written into the spec, to the first frame with another map, on the example; the 95th percentile, low and high are the quickest and the slowest',
      measure: async () => percentile(await editTimes(await programs(), folder('edits')), PERCENTILE),
    },
    {
      name: 'map-scroll-worst-frame-ms',
      unit: 'ms',
      what: `the longest time between two frames while the map of ${LAYERS} layers is scrolled from end to end, each layer opened to the variants of its ${CHOICES} choices; a sample is one way down`,
      measure: async () => ofSample(await worstFrames(await programs(), folder('scroll'))),
    },
  ];
}
