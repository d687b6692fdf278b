/** Writes the English texts of the extension and the panel, which translations begin from: `npm run l10n`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { sourceTexts } from './texts.js';

const { bundle, problems } = await sourceTexts('.');
for (const problem of problems) console.error(problem);
await mkdir('l10n', { recursive: true });
await writeFile('l10n/bundle.l10n.json', `${JSON.stringify(bundle, null, 2)}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
