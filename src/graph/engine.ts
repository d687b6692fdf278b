import { env, listSupportedBackends } from 'onnxruntime-node';

/** The version of the runtime that executes every graph. */
export const ENGINE_VERSION = env.versions.node ?? env.versions.common;

/** Names of the devices that this build of the runtime knows of; whether any works is another matter. */
export function listedDevices(): string[] {
  return listSupportedBackends().map(({ name }) => name);
}
