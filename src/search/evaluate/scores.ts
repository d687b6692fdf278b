import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { InputError, messageOf } from '../../common/errors.js';
import { isFile, readJsonFile } from '../../formats/json-file.js';
import { readTask } from '../../formats/tasks.js';
import { loadTokenizer } from '../../formats/tokenizer.js';
import { scoreTasks, type TaskScores } from '../../model/score-choices.js';
import { writeJson } from '../../run/artifacts.js';
import { fileHash, taskKey } from '../../run/task-key.js';
import type { Model, SearchContext } from '../context.js';

/** What a model makes of a text depends on these files of its folder, beside configuration and weights. */
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json'];
const MAX_SCORES_BYTES = 256 * 1024 * 1024;

/** A multiple-choice task on disk. */
export interface TaskFile {
  file: string;
  hash: string;
}

/** The .jsonl files among `paths` and directly in the folders among them, by name. */
export async function taskFiles(paths: readonly string[]): Promise<TaskFile[]> {
  const files = (await Promise.all(paths.map(jsonlFiles))).flat();
  return Promise.all(files.map(async (file) => ({ file, hash: await fileHash(file) })));
}

/** Size in bytes of the files of tasks. */
export async function taskBytes(files: readonly Pick<TaskFile, 'file'>[]): Promise<number> {
  const sizes = await Promise.all(files.map(async ({ file }) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function jsonlFiles(file: string): Promise<string[]> {
  const entry = await stat(file).catch((error: unknown) => {
    throw new InputError(`cannot be read: ${messageOf(error)}`, file, { cause: error });
  });
  if (!entry.isDirectory()) return [file];
  const names = (await readdir(file)).filter((name) => path.extname(name) === '.jsonl').sort();
  if (names.length === 0) throw new InputError('holds no .jsonl files with multiple-choice tasks', file);
  return names.map((name) => path.join(file, name));
}

/** A model and its hash. */
export interface HashedModel {
  model: Model;
  hash: string;
}

/** Stands for everything that a model's answers depend on. */
export async function answersKey(
  { model, hash }: HashedModel,
  tasks: readonly TaskFile[],
  threads: number,
): Promise<string> {
  const tokenizer = await Promise.all(TOKENIZER_FILES.map((name) => path.join(model.dir, name)).map(hashIfPresent));
  const files = tasks.map((task) => ({ name: path.basename(task.file), hash: task.hash }));
  return taskKey('task-scores', { model: hash, tokenizer, files, threads });
}

/**
 * One model's answers to all tasks, item by item. A task of its own in the run, so that a parent that several children
 * are compared with answers once.
 */
export async function scoreTaskFiles(
  { run, threads }: SearchContext,
  subject: HashedModel,
  files: readonly TaskFile[],
  progress: (done: number) => void,
): Promise<TaskScores[]> {
  const { model } = subject;
  const key = await answersKey(subject, files, threads);
  const artifact = `evaluation/tasks-${key.slice(0, 8)}.json`;
  const label = `multiple choice: ${path.basename(model.dir)}`;
  await run.once(key, { stage: 'evaluate', kind: 'task-scores', label }, async () => {
    const tokenizer = await loadTokenizer(model.dir);
    const beforeBatch = async (done: number) => {
      progress(done);
      await run.checkpoint();
    };
    const tasks = await Promise.all(files.map(({ file }) => readTask(file)));
    const scores = await scoreTasks(model, tokenizer, tasks, { threads, beforeBatch });
    await writeJson(run.path(artifact), scores.map(pack));
    return { artifact };
  });
  return ((await readJsonFile(run.path(artifact), MAX_SCORES_BYTES)) as PackedScores[]).map(unpack);
}

async function hashIfPresent(file: string): Promise<string | null> {
  return (await isFile(file)) ? fileHash(file) : null;
}

/** On disk the answers are strings of 0 and 1. */
type PackedScores = Omit<TaskScores, 'correct'> & { correct: { sum: string; normalised: string } };

function pack({ correct, ...scores }: TaskScores): PackedScores {
  return { ...scores, correct: { sum: correct.sum.join(''), normalised: correct.normalised.join('') } };
}

function unpack({ correct, ...scores }: PackedScores): TaskScores {
  return {
    ...scores,
    correct: { sum: Array.from(correct.sum, Number), normalised: Array.from(correct.normalised, Number) },
  };
}
