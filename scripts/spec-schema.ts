/** Writes the JSON schema that editors check specs with. Run it when the schema of the spec changes. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { specJsonSchema } from '../src/search/spec-json-schema.js';

const FILE = fileURLToPath(new URL('../media/puzzle-spec.schema.json', import.meta.url));

const text = JSON.stringify(specJsonSchema());
await writeFile(FILE, await format(text, { ...(await resolveConfig(FILE)), filepath: FILE }));
