// Fits the calibration of hardware profiles to published throughputs and writes docs/targets.md. Needs ../shared.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { HARDWARE, HARDWARE_NAMES } from '../src/target/hardware.js';
import { type Calibration, CALIBRATION } from '../src/target/roofline.js';
import {
  fitCalibration,
  LARGEST_BATCH,
  type NemotronModels,
  predictions,
  readNemotron,
  type Scenario,
  SCENARIOS,
  speedupOf,
} from '../test/support/published-throughput.js';
import { sharedDir } from '../test/support/shared.js';

const FILE = fileURLToPath(new URL('../docs/targets.md', import.meta.url));

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const error = (predicted: number, published: number) => {
  const percent = 100 * (predicted / published - 1);
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(0)}%`;
};

const lengths = ({ name, prefill, generated }: Scenario) => `${name} ${prefill}/${generated}`;

function hardwareTable(): string {
  const tera = (value: number | undefined) => (value === undefined ? '–' : (value / 1e12).toPrecision(3));
  const rows = HARDWARE_NAMES.map((name) => {
    const { title, memory, bandwidth, flops, source } = HARDWARE[name];
    const { F8, BF16, F32 }: Partial<Record<'F8' | 'BF16' | 'F32', number>> = flops;
    return [
      `\`${name}\``,
      title,
      `${memory / 1e9} GB`,
      `${bandwidth / 1e9} GB/s`,
      tera(F8),
      tera(BF16),
      tera(F32),
      source,
    ];
  });
  return table(['name', 'device', 'memory', 'bandwidth', 'F8', 'BF16', 'F32', 'source'], rows);
}

function throughputTable(models: NemotronModels): string {
  const rows = predictions(models).map(({ scenario, side, devices, batch, published, predicted }) => [
    lengths(scenario),
    side === 'child' ? '51B (49B)' : '70B',
    ...[devices, batch, published].map(String),
    predicted.toFixed(0),
    error(predicted, published),
  ]);
  return table(['scenario, prompt/generated', 'model', 'devices', 'batch', 'published', 'predicted', 'error'], rows);
}

function speedupTable(models: NemotronModels): string {
  const all = predictions(models);
  const rows = SCENARIOS.map((scenario) => {
    const leftOut = predictions(models, fitCalibration(models, scenario));
    const published = speedupOf(all, scenario, 'published');
    const predicted = speedupOf(all, scenario, 'predicted');
    const without = speedupOf(leftOut, scenario, 'predicted');
    return [
      lengths(scenario),
      published.toFixed(2),
      predicted.toFixed(2),
      error(predicted, published),
      without.toFixed(2),
      error(without, published),
    ];
  });
  return table(['scenario', 'published', 'predicted', 'error', 'predicted, left out', 'error, left out'], rows);
}

const calibrationText = ({ compute, bandwidth, overheadSeconds }: Calibration) =>
  `${(100 * compute).toFixed(1)}% of compute, ${(100 * bandwidth).toFixed(1)}% of bandwidth, ` +
  `${(1e6 * overheadSeconds).toFixed(1)} µs per subblock`;

function rootMeanSquare(models: NemotronModels): string {
  const logs = predictions(models).map(({ predicted, published }) => Math.log(predicted / published));
  return (100 * Math.sqrt(logs.reduce((sum, log) => sum + log * log, 0) / logs.length)).toFixed(1);
}

const shared = sharedDir();
if (shared === undefined) throw new Error('the configurations of the published models are expected in ../shared');
const models = await readNemotron(shared);
const text = `# Hardware profiles

Written by \`npm run targets\`. A target of engine \`profile\` needs no device: seconds are **estimated** by a roofline of what
makers publish (\`src/target/roofline.ts\`), and marked so wherever they are shown. TFLOPS are dense.

${hardwareTable()}

## Calibration

Three numbers are fitted, to the 14 throughputs that the Puzzle paper publishes for Nemotron-51B and its parent
Llama-3.1-70B (H100 SXM, TensorRT-LLM, FP8 weights, activations and KV cache): a fit now gives ${calibrationText(fitCalibration(models))};
the program has ${calibrationText(CALIBRATION)}. On other hardware the same shares are assumed, which nothing published has checked.

What had to be assumed:

- The layers of the 51B are not published. The 49B, which met the same constraints, stands in for it, by its own configuration.
- Throughput counts generated tokens, per device. All tokens cannot be meant: 653 a second of 2048/128 would be 3% of the
  arithmetic of one device.
- The devices of each row are those published as best. The batch is the largest whose weights and KV cache, all tokens of the
  scenario cached, fit into 80 GB a device, up to ${LARGEST_BATCH}, the largest that the paper names.

Generated tokens per second and device; the root mean square of the logarithms' errors is ${rootMeanSquare(models)}%:

${throughputTable(models)}

Speed-ups, child over parent, each at its best number of devices. _Left out_: predicted by a calibration to the other five scenarios.

${speedupTable(models)}

The parent is predicted too fast where it needs a large batch to be fast, so that its child's advantage comes out too small in
four of the six scenarios; no further parameter was fitted to that.
`;
await writeFile(FILE, await format(text, { parser: 'markdown', printWidth: 120, proseWrap: 'always' }));
