import { type Device, DEVICES } from '../../src/common/devices.js';
import { listedDevices } from '../../src/graph/engine.js';
import { probeDevice } from '../../src/target/device-probe.js';

/** A device that the runtime has not on this system: no system has all of them. */
export function missingDevice(): Device {
  const listed = listedDevices();
  const missing = DEVICES.find((device) => !listed.includes(device));
  if (missing === undefined) throw new Error(`the runtime has every device here: ${listed.join(', ')}`);
  return missing;
}

/** For a suite's `skip` option: why a device does not work here, or false. */
export async function skipWithoutDevice(device: Device): Promise<string | false> {
  const { reason } = await probeDevice(device);
  return reason === null ? false : `${device}: ${reason}`;
}
