import * as texts from '@vscode/l10n';
import { l10n } from 'vscode';

// Imported before anything that has a text: modules that the command line has too know no `vscode`, only this library.
texts.config({ contents: l10n.bundle ?? {} });
