import { type Device, DEVICES } from '../graph/devices.js';
import { probeDevice } from '../target/device-probe.js';
import { DEVICE_FACTS } from '../target/devices.js';
import type { Answer } from './command.js';
import { renderTable } from './render-table.js';

interface TriedDevice {
  device: Device;
  works: boolean;
  /** Why it does not; null where it does. */
  reason: string | null;
}

/** `puzzle devices`: what ONNX Runtime can serve a model on here, tried one after the other. */
export async function devices(): Promise<Answer> {
  const tried: TriedDevice[] = [];
  for (const device of DEVICES) {
    const { reason } = await probeDevice(device);
    tried.push({ device, works: reason === null, reason });
  }
  const rows = tried.map(({ device, works }) => [device, works ? 'works' : 'does not work']);
  const notes = tried.flatMap(({ device, reason }) =>
    reason === null ? [] : [`${device}: ${reason}; it needs ${DEVICE_FACTS[device].needs}.`],
  );
  const table = renderTable(['device', 'here'], rows, { textColumns: 2 });
  return { json: { devices: tried }, text: [table, '', ...notes, ''].join('\n') };
}
