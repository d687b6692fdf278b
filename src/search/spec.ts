import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { InputError } from '../common/errors.js';
import { describeProblems, specProblems } from './spec-problems.js';
import { specSchema } from './spec-schema.js';
import { lineAt, readJsonText } from './spec-text.js';

/** A spec as the user wrote it, defaults filled in, paths still relative. */
export type Spec = z.output<typeof specSchema>;

/** Checks spec text. `where` names the file in errors, which give line, field and what is expected. */
export function parseSpec(text: string, where: string): Spec {
  const { json, tree, problems } = readJsonText(text);
  const [problem] = problems;
  if (problem !== undefined) throw new InputError(`line ${lineAt(text, problem.start)}: ${problem.message}`, where);
  const result = specSchema.safeParse(json, { reportInput: true });
  if (result.success) return result.data;
  throw new InputError(describeProblems(text, tree, specProblems(result.error.issues, specSchema)), where);
}

/** Reads and checks a spec file. */
export async function readSpec(file: string): Promise<Spec> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new InputError('cannot be read; give the path of a *.puzzle.json file', file, { cause: error });
  }
  return parseSpec(text, file);
}

/** The spec with its paths made absolute, so that it means the same from anywhere. */
export function resolveSpec(spec: Spec, file: string): Spec {
  const absolute = (relative: string) => path.resolve(path.dirname(file), relative);
  return {
    ...spec,
    parent: absolute(spec.parent),
    data: { ...spec.data, text: [spec.data.text].flat().map(absolute) },
    tasks: spec.tasks.map(absolute),
    target: resolveTarget(spec.target, file),
  };
}

/** A target with its paths made absolute. */
export function resolveTarget(target: Spec['target'], file: string): Spec['target'] {
  return target.engine === 'table' ? { ...target, file: path.resolve(path.dirname(file), target.file) } : target;
}
