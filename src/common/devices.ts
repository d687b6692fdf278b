/** What ONNX Runtime may compute on, by its own names; which of them there are is found out by trying. */
export const DEVICES = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const;
export type Device = (typeof DEVICES)[number];
