import { type Extension, extensions } from 'vscode';
import type { Activated } from '../../../src/extension/main.js';
import type { Services } from '../../../src/extension/services.js';

export function extension(): Extension<Activated> {
  const found = extensions.getExtension<Activated>('puzzle-nas.puzzle-nas');
  if (found === undefined) throw new Error('the extension is not installed');
  return found;
}

/** What the parts of the extension share, once it has started. */
export async function services(): Promise<Services> {
  return (await extension().activate()).services();
}
