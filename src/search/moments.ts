import { open } from 'node:fs/promises';
import { concat, constant, input, matmul, mul, sum } from '../graph/primitives.js';
import { float32, Session, type Tensor } from '../graph/session.js';
import type { Value } from '../graph/value.js';
import { emptyMoments, type Moments, type SplitMoments } from '../model/least-squares.js';
import { HiddenReader } from './hidden-file.js';

/** A window is summed in float32 inside the runtime, windows in float64: few tokens keep rounding small. */
const WINDOW_TOKENS = 2048;

/** Which hidden states are looked at. */
export interface MomentSource {
  /** Hidden states that enter the subblock, F16. */
  inputFile: string;
  hiddenSize: number;
  /** In the file; the last `heldOut` of them are held out, the first `used` are for training. */
  sequences: number;
  heldOut: number;
  used: number;
  sequenceLength: number;
}

/** Inputs [rows, n] and outputs [rows, m] of a regression. */
export interface Regression {
  inputs: Value;
  outputs: Value;
}

export type Regressions<Name extends string> = Record<Name, Regression>;

/** The moments of regressions over hidden states x [rows, hiddenSize], all in one pass. */
export async function gatherMoments<Name extends string>(
  source: MomentSource,
  program: (x: Value, sequences: number) => Regressions<Name>,
  signal: AbortSignal,
): Promise<Record<Name, SplitMoments>> {
  const training = new Window(source, program);
  await using reader = await HiddenReader.open(source.inputFile, source.hiddenSize);
  const parts = { training: [0, source.used], heldOut: [source.sequences - source.heldOut, source.sequences] } as const;
  try {
    const sums = { training: {}, heldOut: {} } as Record<keyof typeof parts, Record<string, Moments>>;
    for (const part of ['training', 'heldOut'] as const) {
      const [start, end] = parts[part];
      for (let first = start; first < end; first += training.most) {
        signal.throwIfAborted();
        await training.add(reader, first, Math.min(training.most, end - first), sums[part]);
      }
    }
    const names = Object.keys(sums.training) as Name[];
    return Object.fromEntries(
      names.map((name) => [name, { training: sums.training[name], heldOut: sums.heldOut[name] }]),
    ) as Record<Name, SplitMoments>;
  } finally {
    await training.release();
  }
}

/** The graph of one window; the last one of a part may be shorter and gets its own. */
class Window {
  readonly most: number;
  private compiled = 0;
  private session: Session | undefined;

  constructor(
    private readonly source: MomentSource,
    private readonly program: (x: Value, sequences: number) => Regressions<string>,
  ) {
    this.most = Math.max(1, Math.floor(WINDOW_TOKENS / source.sequenceLength));
  }

  async add(reader: HiddenReader, first: number, sequences: number, sums: Record<string, Moments>): Promise<void> {
    const { sequenceLength, hiddenSize } = this.source;
    const rows = sequences * sequenceLength;
    const session = await this.of(sequences);
    const x = float32(await reader.read(first * sequenceLength, rows), [rows, hiddenSize]);
    for (const [key, tensor] of Object.entries(await session.run({ x }))) {
      const [name = '', part = ''] = key.split('.');
      addTo(sums, name, part as 'gram' | 'cross' | 'energy', tensor);
    }
  }

  async release(): Promise<void> {
    await this.session?.release();
    this.session = undefined;
  }

  private async of(sequences: number): Promise<Session> {
    if (this.session !== undefined && this.compiled === sequences) return this.session;
    await this.release();
    const rows = sequences * this.source.sequenceLength;
    const regressions = this.program(input('x', [rows, this.source.hiddenSize]), sequences);
    const outputs = Object.entries(regressions).flatMap(([name, { inputs, outputs }]): [string, Value][] => [
      [`${name}.gram`, matmul(inputs, inputs, true)],
      [`${name}.cross`, matmul(inputs, outputs, true)],
      [`${name}.energy`, sum(mul(outputs, outputs))],
    ]);
    this.session = await Session.create(Object.fromEntries(outputs));
    this.compiled = sequences;
    return this.session;
  }
}

function addTo(sums: Record<string, Moments>, name: string, part: 'gram' | 'cross' | 'energy', tensor: Tensor): void {
  const [inputs = 0, columns = 0] = tensor.shape;
  const data = tensor.data as Float32Array;
  if (part === 'gram') sums[name] ??= emptyMoments(inputs, 0);
  const moments = sums[name];
  if (moments === undefined) throw new Error(`the Gram matrix of ${name} comes first`);
  if (part === 'energy') {
    moments.energy += data[0] ?? 0;
    return;
  }
  if (part === 'cross' && moments.outputs === 0) {
    moments.outputs = columns;
    moments.cross = new Float64Array(inputs * columns);
  }
  const total = moments[part];
  for (let i = 0; i < total.length; i++) total[i] = (total[i] ?? 0) + (data[i] ?? 0);
}

/** Inputs with a constant 1 behind them, for a regression with a bias. */
export function withOne(inputs: Value): Value {
  const [rows = 0] = inputs.shape;
  return concat([inputs, constant(new Float32Array(rows).fill(1), [rows, 1])], 1);
}

/** Writes moments as float64, training before held-out, each as its Gram matrix, its cross moments and its energy. */
export async function writeMoments(file: string, { training, heldOut }: SplitMoments): Promise<void> {
  await using handle = await open(file, 'w');
  for (const { gram, cross, energy } of [training, heldOut]) {
    for (const values of [gram, cross, Float64Array.of(energy)]) {
      await handle.writeFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  }
}

/** Reads what `writeMoments` wrote of so many inputs and outputs. */
export async function readMoments(file: string, inputs: number, outputs: number): Promise<SplitMoments> {
  await using handle = await open(file, 'r');
  const read = async (length: number) => {
    const values = new Float64Array(length);
    const { bytesRead } = await handle.read(new Uint8Array(values.buffer), 0, values.byteLength);
    if (bytesRead !== values.byteLength) throw new Error(`${file}: ends too early`);
    return values;
  };
  const part = async (): Promise<Moments> => ({
    ...{ inputs, outputs },
    gram: await read(inputs * inputs),
    cross: await read(inputs * outputs),
    energy: (await read(1))[0] ?? 0,
  });
  return { training: await part(), heldOut: await part() };
}
