import * as l10n from '@vscode/l10n';
import { textsSchema } from '../../src/protocol/texts.js';

// Imported before anything that has a text: some are constants. Without texts of another language all is English.
const contents = textsSchema.safeParse(JSON.parse(document.getElementById('app')?.dataset['texts'] ?? '{}'));
if (contents.success) l10n.config({ contents: contents.data });
