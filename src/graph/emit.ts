import path from 'node:path';
import {
  attribute,
  encodeModel,
  EXTERNAL,
  ONNX_DTYPE,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxValueInfo,
} from './onnx-proto.js';
import { type Primitive, type PrimitiveParams, topological, type Value } from './value.js';

/** An encoded ONNX model and what it takes and gives. */
export interface Program {
  bytes: Uint8Array;
  inputs: OnnxValueInfo[];
  outputs: OnnxValueInfo[];
  /** Locations of external data are relative to this folder; undefined if there are none. */
  externalRoot: string | undefined;
}

export interface EmitOptions {
  /** Only operators that devices other than the CPU have as well, though it has faster ones. */
  standard?: boolean;
}

interface Operator {
  opType: string;
  domain?: string;
  attributes?: OnnxAttribute[];
  /** Integer arguments that this opset takes as tensors, appended to the node's inputs. */
  integers?: (readonly number[] | number)[];
}

type Leaf = 'input' | 'constant' | 'external';
/** Primitives that are not exactly one ONNX operator: a method of Emitter each. */
type Special = 'scatterAdd' | 'equal' | 'rotary' | 'topK' | 'scatterColumns' | 'barrier';

const MICROSOFT = 'com.microsoft';

/** Elements scattered to the same place are added up. */
const ADDED_UP: OnnxAttribute = { name: 'reduction', type: 3, s: Buffer.from('add') };
/** The element type of conditions, in onnx.proto. */
const BOOL = 9;

/** How each primitive that is one ONNX operator is written. */
const OPERATORS: { [P in Exclude<Primitive, Leaf | Special>]: (params: PrimitiveParams[P], value: Value) => Operator } =
  {
    cast: () => ({ opType: 'Cast', attributes: [attribute('to', ONNX_DTYPE.float32)] }),
    add: () => ({ opType: 'Add' }),
    sub: () => ({ opType: 'Sub' }),
    mul: () => ({ opType: 'Mul' }),
    div: () => ({ opType: 'Div' }),
    min: () => ({ opType: 'Min' }),
    exp: () => ({ opType: 'Exp' }),
    log: () => ({ opType: 'Log' }),
    sqrt: () => ({ opType: 'Sqrt' }),
    sigmoid: () => ({ opType: 'Sigmoid' }),
    abs: () => ({ opType: 'Abs' }),
    matmul: ({ transA, transB }, value) => {
      const attributes = [attribute('transA', Number(transA)), attribute('transB', Number(transB))];
      return value.shape.length === 2
        ? { opType: 'Gemm', attributes }
        : { opType: 'FusedMatMul', domain: MICROSOFT, attributes };
    },
    sum: ({ axes }) => ({ opType: 'ReduceSum', integers: [axes] }),
    reshape: ({ shape }) => ({ opType: 'Reshape', integers: [shape] }),
    transpose: ({ perm }) => ({ opType: 'Transpose', attributes: [attribute('perm', perm)] }),
    slice: ({ axis, start, end }) => ({ opType: 'Slice', integers: [[start], [end], [axis]] }),
    concat: ({ axis }) => ({ opType: 'Concat', attributes: [attribute('axis', axis)] }),
    expand: ({ shape }) => ({ opType: 'Expand', integers: [shape] }),
    softmax: () => ({ opType: 'Softmax', attributes: [attribute('axis', -1)] }),
    logSoftmax: () => ({ opType: 'LogSoftmax', attributes: [attribute('axis', -1)] }),
    gather: () => ({ opType: 'Gather', attributes: [attribute('axis', 0)] }),
    argMax: () => ({ opType: 'ArgMax', attributes: [attribute('axis', -1), attribute('keepdims', 0)] }),
    gatherColumns: () => ({ opType: 'GatherElements', attributes: [attribute('axis', 1)] }),
    rmsNorm: ({ epsilon }) => ({
      opType: 'SimplifiedLayerNormalization',
      attributes: [attribute('axis', -1), attribute('epsilon', epsilon, 'float')],
    }),
  };

class Emitter {
  readonly graph: OnnxGraph = { node: [], initializer: [], input: [], output: [] };
  externalRoot: string | undefined;
  private readonly names = new Map<Value, string>();
  private readonly integerTensors = new Map<string, string>();

  constructor(private readonly standard: boolean) {}

  name(value: Value): string {
    const name = this.names.get(value);
    if (name === undefined) throw new Error(`${value.primitive} used before it was emitted`);
    return name;
  }

  /** Writes one value under a name. */
  emit(value: Value, name: string): void {
    this.names.set(value, name);
    const inputs = value.inputs.map((operand) => this.name(operand));
    if (value.is('input')) this.graph.input.push({ name, dtype: value.dtype, shape: value.shape });
    else if (value.is('constant')) this.constant(name, value);
    else if (value.is('external')) this.external(name, value);
    else if (value.is('scatterAdd')) this.scatterAdd(name, value, inputs);
    else if (value.is('equal')) this.equal(name, inputs);
    else if (value.is('rotary')) this.rotary(name, value, inputs);
    else if (value.is('topK')) this.topK(name, value, inputs);
    else if (value.is('scatterColumns')) this.scatterColumns(name, value, inputs);
    else if (value.is('barrier')) this.barrier(name, inputs);
    else if (this.standard && value.is('matmul') && value.shape.length > 2) this.batchedMatmul(name, value, inputs);
    else {
      // The table's index and the value's primitive agree by construction; TypeScript cannot see that.
      const describe = OPERATORS[value.primitive as keyof typeof OPERATORS] as (
        params: Value['params'],
        value: Value,
      ) => Operator;
      const { opType, domain, attributes, integers = [] } = describe(value.params, value);
      this.operator(opType, [...inputs, ...integers.map((list) => this.integers(list))], name, attributes, domain);
    }
  }

  operator(opType: string, input: string[], output: string, attributes: OnnxAttribute[] = [], domain = ''): void {
    this.graph.node.push({ opType, domain, name: output, input, output: [output], attribute: attributes });
  }

  private constant(name: string, value: Value<'constant'>): void {
    const { data } = value.params;
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.graph.initializer.push({ name, dataType: ONNX_DTYPE[value.dtype], dims: value.shape, rawData });
  }

  private external(name: string, value: Value<'external'>): void {
    const file = path.resolve(value.params.file);
    const { root } = path.parse(file);
    if (this.externalRoot !== undefined && this.externalRoot !== root) {
      throw new Error(`weights on two drives in one graph: ${this.externalRoot} and ${root}`);
    }
    this.externalRoot = root;
    const location = {
      location: path.relative(root, file),
      offset: value.params.offset,
      length: value.params.byteLength,
    };
    this.graph.initializer.push({
      name,
      dataType: ONNX_DTYPE[value.dtype],
      dims: value.shape,
      dataLocation: EXTERNAL,
      externalData: Object.entries(location).map(([key, item]) => ({ key, value: String(item) })),
    });
  }

  /** ScatterElements adds one after the other; ScatterND does on all threads, in an order that differs from run to run. */
  private scatterAdd(name: string, value: Value<'scatterAdd'>, [values = '', rows = '']: string[]): void {
    const [, ...rest] = value.shape;
    const shape = value.inputs[0]?.shape ?? [];
    this.operator('ConstantOfShape', [this.integers(value.shape)], `${name}.zeros`);
    this.operator('Unsqueeze', [rows, this.integers(rest.map((_, i) => i + 1))], `${name}.rows`);
    this.operator('Expand', [`${name}.rows`, this.integers(shape)], `${name}.indices`);
    const attributes = [attribute('axis', 0), ADDED_UP];
    this.operator('ScatterElements', [`${name}.zeros`, `${name}.indices`, values], name, attributes);
  }

  private equal(name: string, inputs: string[]): void {
    this.operator('Equal', inputs, `${name}.bool`);
    this.operator('Cast', [`${name}.bool`], name, [attribute('to', ONNX_DTYPE.float32)]);
  }

  private rotary(name: string, value: Value<'rotary'>, [x = '', positions = '', cos = '', sin = '']: string[]): void {
    const signed = value.params.inverse ? `${name}.sin` : sin;
    if (value.params.inverse) this.operator('Neg', [sin], signed);
    this.operator('RotaryEmbedding', [x, positions, cos, signed], name, [], MICROSOFT);
  }

  private topK(name: string, value: Value<'topK'>, inputs: string[]): void {
    const input = [...inputs, this.integers([value.params.k])];
    this.graph.node.push({ opType: 'TopK', domain: '', name, input, output: [`${name}.values`, name], attribute: [] });
  }

  private scatterColumns(name: string, value: Value<'scatterColumns'>, [values = '', columns = '']: string[]): void {
    this.operator('ConstantOfShape', [this.integers(value.shape)], `${name}.zeros`);
    const attributes = [attribute('axis', 1), ADDED_UP];
    this.operator('ScatterElements', [`${name}.zeros`, columns, values], name, attributes);
  }

  /** What `FusedMatMul` does, without it. */
  private batchedMatmul(name: string, value: Value<'matmul'>, inputs: string[]): void {
    const { transA, transB } = value.params;
    const rank = value.shape.length;
    const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
    const operands = [transA, transB].map((isTransposed, i) => {
      const operand = inputs[i] ?? '';
      if (!isTransposed) return operand;
      this.operator('Transpose', [operand], `${name}.transposed${i}`, [attribute('perm', perm)]);
      return `${name}.transposed${i}`;
    });
    this.operator('MatMul', operands, name);
  }

  /** Both branches of a condition that needs one element of each of the others: no optimiser sees through it. */
  private barrier(name: string, [x = '', ...others]: string[]): void {
    const firsts = others.map((other, i) => {
      this.operator('Reshape', [other, this.integers([-1])], `${name}.flat${i}`);
      this.operator('Slice', [`${name}.flat${i}`, this.integers([0]), this.integers([1])], `${name}.first${i}`);
      return `${name}.first${i}`;
    });
    this.operator('Sum', firsts, `${name}.sum`);
    this.operator('Cast', [`${name}.sum`], `${name}.condition`, [attribute('to', BOOL)]);
    this.operator('Where', [`${name}.condition`, x, x], name);
  }

  private integers(list: readonly number[] | number): string {
    const key = JSON.stringify(list);
    const known = this.integerTensors.get(key);
    if (known !== undefined) return known;
    const name = `integers_${this.integerTensors.size}`;
    const numbers = typeof list === 'number' ? [list] : list;
    const rawData = new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
    this.graph.initializer.push({
      name,
      dataType: ONNX_DTYPE.int64,
      dims: typeof list === 'number' ? [] : [list.length],
      rawData,
    });
    this.integerTensors.set(key, name);
    return name;
  }
}

const LEAVES: ReadonlySet<Primitive> = new Set<Leaf>(['input', 'constant', 'external']);

/** The name each computed result is published under: the first output that asks for it. */
function publishedNames(outputs: Readonly<Record<string, Value>>): Map<Value, string> {
  const published = new Map<Value, string>();
  for (const [name, value] of Object.entries(outputs)) {
    if (!LEAVES.has(value.primitive) && !published.has(value)) published.set(value, name);
  }
  return published;
}

/** Writes everything that `outputs` reach as one ONNX model. */
export function emit(outputs: Readonly<Record<string, Value>>, { standard = false }: EmitOptions = {}): Program {
  const emitter = new Emitter(standard);
  const published = publishedNames(outputs);
  const inputNames = new Set<string>();
  topological(Object.values(outputs)).forEach((value, i) => {
    if (value.is('input')) {
      const { name } = value.params;
      if (inputNames.has(name)) throw new Error(`two inputs are named "${name}"`);
      inputNames.add(name);
      emitter.emit(value, name);
    } else emitter.emit(value, published.get(value) ?? `${value.primitive}_${i}`);
  });
  const { graph } = emitter;
  for (const [name, value] of Object.entries(outputs)) {
    // Leaves, and values published under two names, are copied to theirs.
    if (published.get(value) !== name) emitter.operator('Identity', [emitter.name(value)], name);
    graph.output.push({ name, dtype: value.dtype, shape: value.shape });
  }
  return { bytes: encodeModel(graph), inputs: graph.input, outputs: graph.output, externalRoot: emitter.externalRoot };
}
