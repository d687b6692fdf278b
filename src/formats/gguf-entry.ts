/** A typed value of a GGUF file's head. Arrays are of one type; JavaScript numbers say nothing about which. */
export type GgufValue =
  | { type: 'uint32' | 'float32'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | { type: 'int32[]' | 'float32[]'; value: readonly number[] }
  | { type: 'string[]'; value: readonly string[] };

export type GgufEntry = [key: string, value: GgufValue];

type Make<T> = (key: string, value: T) => GgufEntry;

export const uint32: Make<number> = (key, value) => [key, { type: 'uint32', value }];
export const float32: Make<number> = (key, value) => [key, { type: 'float32', value }];
export const bool: Make<boolean> = (key, value) => [key, { type: 'bool', value }];
export const text: Make<string> = (key, value) => [key, { type: 'string', value }];
export const int32s: Make<readonly number[]> = (key, value) => [key, { type: 'int32[]', value }];
export const float32s: Make<readonly number[]> = (key, value) => [key, { type: 'float32[]', value }];
export const texts: Make<readonly string[]> = (key, value) => [key, { type: 'string[]', value }];
