/** Writes what the tables of src/extension/manifest say into package.json, and package.nls.json: `npm run manifest`. */
import { readFile, writeFile } from 'node:fs/promises';
import { packageFields } from '../src/extension/manifest/package-fields.js';

const { fields, texts } = packageFields();
const manifest = JSON.parse(await readFile('package.json', 'utf8')) as Record<string, unknown>;
const write = (file: string, value: unknown) => writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
await write('package.json', { ...manifest, ...fields });
await write('package.nls.json', texts);
