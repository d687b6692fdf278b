import { probeDevices } from '../target/device-probe.js';
import { withNeeds } from '../target/devices.js';
import type { Answer } from './command.js';
import { renderTable } from './render-table.js';

/** `puzzle devices`: what ONNX Runtime can serve a model on here. */
export async function devices(): Promise<Answer> {
  const tried = await probeDevices();
  const rows = tried.map(({ device, works }) => [device, works ? 'works' : 'does not work']);
  const notes = tried.flatMap(({ device, reason }) =>
    reason === null ? [] : [`${device}: ${withNeeds(device, reason)}.`],
  );
  const table = renderTable(['device', 'here'], rows, { textColumns: 2 });
  return { json: { devices: tried }, text: [table, '', ...notes, ''].join('\n') };
}
