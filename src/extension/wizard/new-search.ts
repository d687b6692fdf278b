import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Uri, window } from 'vscode';
import { writeBytes } from '../../run/artifacts.js';
import { newSpec } from '../../search/new-spec.js';
import type { Services } from '../services.js';
import { askTasks, askText } from './ask-data.js';
import { askLimit } from './ask-limit.js';

/** Of the same model. */
const MAX_SPECS = 1000;

/** Asks for what a search by this model needs to know, writes a spec beside the model's folder, and opens it. */
export async function newSearch(services: Services, model: string): Promise<Uri | undefined> {
  const text = await askText(services, model);
  if (text === undefined) return undefined;
  const tasks = await askTasks();
  if (tasks === undefined) return undefined;
  const limit = await askLimit();
  if (limit === undefined) return undefined;
  const file = freeName(model);
  await writeBytes(file, newSpec({ parent: model, text, tasks, limit }, dirname(file)));
  const spec = Uri.file(file);
  await window.showTextDocument(spec, { preview: false });
  return spec;
}

/** `NAME.puzzle.json` beside the folder of the model, or with the first number that is free. */
function freeName(model: string): string {
  const stem = join(dirname(model), basename(model));
  const names = Array.from({ length: MAX_SPECS }, (_, i) => `${stem}${i === 0 ? '' : `-${i + 1}`}.puzzle.json`);
  const free = names.find((name) => !existsSync(name));
  if (free === undefined) throw new Error(`no free name for a spec beside ${model}`);
  return free;
}
