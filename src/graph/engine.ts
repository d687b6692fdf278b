import { env } from 'onnxruntime-node';

/** The version of the runtime that executes every graph. */
export const ENGINE_VERSION = env.versions.node ?? env.versions.common;
