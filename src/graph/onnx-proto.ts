import protobuf from 'protobufjs/light.js';

/**
 * The part of the ONNX file format that we write, as protocol buffer message types: field names and numbers are those of
 * the ONNX specification (IR version 8). Everything else in the specification is optional and stays absent.
 */
const field = (type: string, id: number): protobuf.IField => ({ type, id });
const repeated = (type: string, id: number): protobuf.IField => ({ rule: 'repeated', type, id });

const ONNX = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: field('int64', 1),
        producerName: field('string', 2),
        graph: field('GraphProto', 7),
        opsetImport: repeated('OperatorSetIdProto', 8),
      },
    },
    OperatorSetIdProto: { fields: { domain: field('string', 1), version: field('int64', 2) } },
    GraphProto: {
      fields: {
        node: repeated('NodeProto', 1),
        name: field('string', 2),
        initializer: repeated('TensorProto', 5),
        input: repeated('ValueInfoProto', 11),
        output: repeated('ValueInfoProto', 12),
      },
    },
    NodeProto: {
      fields: {
        input: repeated('string', 1),
        output: repeated('string', 2),
        name: field('string', 3),
        opType: field('string', 4),
        attribute: repeated('AttributeProto', 5),
        domain: field('string', 7),
      },
    },
    AttributeProto: {
      fields: {
        name: field('string', 1),
        f: field('float', 2),
        i: field('int64', 3),
        s: field('bytes', 4),
        ints: repeated('int64', 8),
        type: field('int32', 20),
      },
    },
    ValueInfoProto: { fields: { name: field('string', 1), type: field('TypeProto', 2) } },
    TypeProto: { fields: { tensorType: field('TensorTypeProto', 1) } },
    TensorTypeProto: { fields: { elemType: field('int32', 1), shape: field('TensorShapeProto', 2) } },
    TensorShapeProto: { fields: { dim: repeated('Dimension', 1) } },
    Dimension: { fields: { dimValue: field('int64', 1) } },
    TensorProto: {
      fields: {
        dims: repeated('int64', 1),
        dataType: field('int32', 2),
        name: field('string', 8),
        rawData: field('bytes', 9),
        externalData: repeated('StringStringEntryProto', 13),
        dataLocation: field('int32', 14),
      },
    },
    StringStringEntryProto: { fields: { key: field('string', 1), value: field('string', 2) } },
  },
});

const Model = ONNX.lookupType('ModelProto');

/** TensorProto.DataType */
export const ONNX_DTYPE = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10, bfloat16: 16 } as const;
export type DType = keyof typeof ONNX_DTYPE;

/** TensorProto.DataLocation.EXTERNAL */
export const EXTERNAL = 1;

export interface OnnxAttribute {
  name: string;
  type: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  ints?: readonly number[];
}

export interface OnnxNode {
  opType: string;
  domain: string;
  name: string;
  input: string[];
  output: string[];
  attribute: OnnxAttribute[];
}

export interface OnnxTensor {
  name: string;
  dataType: number;
  dims: readonly number[];
  rawData?: Uint8Array;
  dataLocation?: number;
  externalData?: { key: string; value: string }[];
}

export interface OnnxValueInfo {
  name: string;
  dtype: DType;
  shape: readonly number[];
}

export interface OnnxGraph {
  node: OnnxNode[];
  initializer: OnnxTensor[];
  input: OnnxValueInfo[];
  output: OnnxValueInfo[];
}

/** AttributeProto of a number (integer unless `float`) or of a list of integers. */
export function attribute(
  name: string,
  value: number | readonly number[],
  kind: 'int' | 'float' = 'int',
): OnnxAttribute {
  if (typeof value !== 'number') return { name, type: 7, ints: value };
  return kind === 'float' ? { name, type: 1, f: value } : { name, type: 2, i: value };
}

function valueInfo(info: OnnxValueInfo): object {
  return {
    name: info.name,
    type: {
      tensorType: { elemType: ONNX_DTYPE[info.dtype], shape: { dim: info.shape.map((dimValue) => ({ dimValue })) } },
    },
  };
}

/** Opset 17 has everything used here and predates the attributes-to-inputs moves of later opsets. */
const OPSET = 17;

/** The bytes of an ONNX model file. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  return Model.encode(
    Model.fromObject({
      irVersion: 8,
      producerName: 'puzzle-nas',
      opsetImport: [
        { domain: '', version: OPSET },
        { domain: 'com.microsoft', version: 1 },
      ],
      graph: {
        name: 'graph',
        node: graph.node,
        initializer: graph.initializer,
        input: graph.input.map(valueInfo),
        output: graph.output.map(valueInfo),
      },
    }),
  ).finish();
}
