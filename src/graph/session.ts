import * as ort from 'onnxruntime-node';
import type { Device } from '../common/devices.js';
import { emit, type Program } from './emit.js';
import type { DType } from './onnx-proto.js';
import { sizeOf, type Shape, type Value } from './value.js';

export type TensorData = Float32Array | Int32Array | BigInt64Array;

/** A tensor in memory that the runtime reads and writes in place. */
export interface Tensor {
  readonly shape: Shape;
  readonly data: TensorData;
}

export type Tensors = Readonly<Record<string, Tensor>>;

export interface SessionOptions {
  /** Threads inside an operator. Default 1: independent small jobs scale better as several processes. */
  threads?: number;
  /** What computes. Default: `cpu`. Another one computes everything: no session is made where it cannot. */
  device?: Device;
}

const TYPED_ARRAYS = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array } as const;

function arrayType(dtype: DType): keyof typeof TYPED_ARRAYS {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'int64') return dtype;
  throw new Error(`${dtype} tensors live in files only`);
}

/** A float32 tensor. */
export function float32(data: Float32Array, shape: Shape): Tensor {
  return { data, shape };
}

/** An int64 tensor from ordinary integers. */
export function int64(data: ArrayLike<number>, shape: Shape): Tensor {
  return { data: BigInt64Array.from({ length: data.length }, (_, i) => BigInt(data[i] ?? 0)), shape };
}

/** An int32 tensor from ordinary integers. */
export function int32(data: ArrayLike<number>, shape: Shape): Tensor {
  return { data: Int32Array.from(data), shape };
}

/** A zero tensor. */
export function zeros(shape: Shape, dtype: DType = 'float32'): Tensor {
  return { data: new TYPED_ARRAYS[arrayType(dtype)](sizeOf(shape)), shape };
}

function toOrt(name: string, { data, shape }: Tensor): ort.Tensor {
  if (data.length !== sizeOf(shape)) {
    throw new Error(`tensor "${name}": ${data.length} elements for shape [${shape.join(',')}]`);
  }
  if (data instanceof Float32Array) return new ort.Tensor('float32', data, shape);
  if (data instanceof Int32Array) return new ort.Tensor('int32', data, shape);
  return new ort.Tensor('int64', data, shape);
}

/** A compiled graph. Feeds are checked by name and shape; results can be written into tensors the caller owns. */
export class Session {
  private constructor(
    private readonly session: ort.InferenceSession,
    private readonly program: Program,
  ) {}

  /** Compiles everything the named outputs reach. Throws what the runtime says where the device cannot do all of it. */
  static async create(outputs: Readonly<Record<string, Value>>, options: SessionOptions = {}): Promise<Session> {
    const { device = 'cpu', threads = 1 } = options;
    const program = emit(outputs, { standard: device !== 'cpu' });
    const session = await ort.InferenceSession.create(program.bytes, {
      ...(device === 'cpu' ? {} : { executionProviders: [device] }),
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // Only errors: the runtime warns about graph clean-ups that are of no use to anyone.
      logSeverityLevel: 3,
      extra: {
        session: {
          // Waiting threads of one session would otherwise spin on and take a core from the next one.
          force_spinning_stop: '1',
          // The runtime would silently compute on the CPU what a device cannot, and carry everything there and back.
          ...(device === 'cpu' ? {} : { disable_cpu_ep_fallback: '1' }),
          ...(program.externalRoot === undefined
            ? {}
            : { model_external_initializers_file_folder_path: program.externalRoot }),
        },
      },
    });
    return new Session(session, program);
  }

  get inputNames(): string[] {
    return this.program.inputs.map((input) => input.name);
  }

  /**
   * Runs the graph once. Outputs named in `into` are written into those tensors (which may be the very tensors fed, for
   * operators that update in place); the others are newly allocated.
   */
  async run(feeds: Tensors, into: Tensors = {}): Promise<Record<string, Tensor>> {
    const ortFeeds: Record<string, ort.Tensor> = {};
    const converted = new Map<Tensor, ort.Tensor>();
    const convert = (name: string, tensor: Tensor) => {
      const known = converted.get(tensor) ?? toOrt(name, tensor);
      converted.set(tensor, known);
      return known;
    };
    for (const { name, shape } of this.program.inputs) {
      const tensor = feeds[name];
      if (tensor === undefined) throw new Error(`input "${name}" was not fed`);
      if (tensor.shape.length !== shape.length || tensor.shape.some((d, i) => d !== shape[i])) {
        throw new Error(`input "${name}": expected shape [${shape.join(',')}], got [${tensor.shape.join(',')}]`);
      }
      ortFeeds[name] = convert(name, tensor);
    }
    const fetches: Record<string, ort.Tensor | null> = {};
    for (const { name } of this.program.outputs) {
      const target = into[name];
      fetches[name] = target === undefined ? null : convert(name, target);
    }
    const results = await this.session.run(ortFeeds, fetches);
    const tensors: Record<string, Tensor> = {};
    for (const { name } of this.program.outputs) {
      const result = results[name];
      if (result === undefined) throw new Error(`output "${name}" is missing`);
      tensors[name] = into[name] ?? { data: result.data as TensorData, shape: result.dims };
    }
    return tensors;
  }

  /** Frees the native memory. The session must not be used afterwards. */
  async release(): Promise<void> {
    await this.session.release();
  }
}
