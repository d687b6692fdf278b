import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../common/errors.js';
import { Fields } from './fields.js';
import { isFile, readJsonFile, readJsonFileIfPresent } from './json-file.js';
import { configKey, parseBlock, type PuzzletronBlock } from './puzzletron-block.js';
import { quoteValue } from './quote.js';

// The working directory of Puzzletron, as its pipeline leaves it when every variant is scored: what there is to choose from
// (replacement_library.json), what it costs (subblock_stats.json), and what it loses (a file per replacement).

const LIBRARY = 'replacement_library.json';
const STATS = 'subblock_stats.json';
const VALIDATION = 'single_sequence_replacement_solutions--validation';
/** Their names in the directory; the last is a folder. */
export const PUZZLETRON_FILES = { library: LIBRARY, stats: STATS, validation: VALIDATION } as const;
const TEACHER = 'teacher.json';

const MAX_LIBRARY_BYTES = 256 * 2 ** 20;
const MAX_VALIDATION_BYTES = 64 * 2 ** 20;
const MAX_LAYERS = 10_000;
const MAX_ENTRIES = 1_000_000;

/** An alternative for one layer. */
export interface Replacement {
  layer: number;
  block: PuzzletronBlock;
  isTeacher: boolean;
  /** The `avg` of every metric, by name; of the teacher's own block, those of the teacher, where they were stored. */
  metrics: Record<string, number>;
  /** The entry of the library, as it was read. */
  entry: Record<string, unknown>;
}

/** What one half of a block costs; null where it was not measured. */
export interface SubblockStats {
  half: 'attention' | 'ffn';
  /** {@link configKey} of the config. */
  key: string;
  layer: number | null;
  costs: Record<string, number | null>;
}

/** Costs of everything in one setting: a batch, lengths, precisions. */
export interface StatsTable {
  args: Record<string, unknown>;
  nonBlock: Record<string, number | null>;
  subblocks: SubblockStats[];
}

export interface PuzzletronDirectory {
  dir: string;
  /** Of each layer, the teacher's own block first. */
  layers: Replacement[][];
  stats: StatsTable[];
}

/** Whether a folder is such a working directory. */
export function isPuzzletronDirectory(dir: string): Promise<boolean> {
  return isFile(path.join(dir, LIBRARY));
}

/** Reads a working directory. Throws InputError with file, key and reason for anything that is missing or malformed. */
export async function readPuzzletronDirectory(dir: string): Promise<PuzzletronDirectory> {
  const entries = await readLibrary(path.join(dir, LIBRARY));
  const validated = await readValidations(path.join(dir, VALIDATION));
  const file = path.join(dir, VALIDATION, TEACHER);
  const teacher = await readJsonFileIfPresent(file, MAX_VALIDATION_BYTES);
  const teacherMetrics = teacher === undefined ? {} : metricsOf(new Fields(teacher, file));
  return {
    dir,
    layers: layersOf(entries, validated, teacherMetrics, path.join(dir, LIBRARY)),
    stats: await readStats(path.join(dir, STATS)),
  };
}

interface Entry {
  layer: number;
  block: PuzzletronBlock;
  json: Record<string, unknown>;
}

async function readLibrary(file: string): Promise<Entry[]> {
  const list = listOf(await readJsonFile(file, MAX_LIBRARY_BYTES), file);
  return list.map((json, index) => parseEntry(new Fields(json, file, `[${index}]`)));
}

function parseEntry(entry: Fields): Entry {
  const layers = entry.list('parent_layer_indices');
  const blocks = entry.list('child_block_configs');
  if (layers.length !== 1 || blocks.length !== 1) {
    throw entry.error(
      layers.length === 1 ? 'child_block_configs' : 'parent_layer_indices',
      'a list of one is expected',
    );
  }
  const [layer] = layers;
  if (typeof layer !== 'number' || !Number.isInteger(layer) || layer < 0 || layer >= MAX_LAYERS) {
    throw entry.error('parent_layer_indices', `a layer from 0 to ${MAX_LAYERS - 1} is expected`);
  }
  entry.list('weight_paths');
  return { layer, block: parseBlock(entry.at('child_block_configs', 0)), json: entry.json };
}

/** What one file of the validation folder is about. */
interface Validated {
  file: string;
  layer: number;
  key: string;
  metrics: Record<string, number>;
}

async function readValidations(dir: string): Promise<Validated[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    throw new InputError('cannot be read; score the replacements first', dir, { cause: error });
  });
  const files = names.filter((name) => /solution.*\.json$/.test(name)).sort();
  if (files.length === 0) throw new InputError('has no solution_*.json; score the replacements first', dir);
  const validated: Validated[] = [];
  for (const name of files) {
    const file = path.join(dir, name);
    const fields = new Fields(await readJsonFile(file, MAX_VALIDATION_BYTES), file);
    const replacement = parseEntry(fields.inside('puzzle_solution').inside('single_sequence_replacement'));
    validated.push({
      ...{ file, layer: replacement.layer, key: configKey(replacement.block.json) },
      metrics: metricsOf(fields),
    });
  }
  return validated;
}

/** Every field that has an `avg`. */
function metricsOf(fields: Fields): Record<string, number> {
  const found = fields.keys.flatMap((name): [string, number][] => {
    const value = fields.get(name);
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'avg')) return [];
    const { avg } = value as { avg: unknown };
    if (typeof avg !== 'number' || !Number.isFinite(avg)) {
      throw fields.inside(name).error('avg', 'a finite number is expected');
    }
    return [[name, avg]];
  });
  return Object.fromEntries(found);
}

function layersOf(
  entries: readonly Entry[],
  validated: readonly Validated[],
  teacherMetrics: Record<string, number>,
  file: string,
): Replacement[][] {
  const scores = new Map<string, Validated>();
  for (const one of validated) scores.set(`${one.layer} ${one.key}`, one);
  const count = Math.max(...entries.map(({ layer }) => layer)) + 1;
  const layers = Array.from({ length: count }, (): Replacement[] => []);
  const seen = new Set<string>();
  for (const { layer, block, json } of entries) {
    const id = `${layer} ${configKey(block.json)}`;
    if (seen.has(id)) throw new InputError(`layer ${layer} has the same block twice; keep one`, file);
    seen.add(id);
    const score = scores.get(id);
    scores.delete(id);
    const scored = { metrics: score?.metrics ?? teacherMetrics, isTeacher: score === undefined };
    layers[layer]?.push({ layer, block, ...scored, entry: json });
  }
  const [stray] = scores.values();
  if (stray !== undefined) {
    throw new InputError(`puzzle_solution: layer ${stray.layer} has no such block in ${LIBRARY}`, stray.file);
  }
  return layers.map((layer, index) => {
    const [teacher, ...others] = layer.filter(({ isTeacher }) => isTeacher);
    if (teacher === undefined || others.length > 0) {
      const unscored = layer.filter(({ isTeacher }) => isTeacher).length;
      throw new InputError(
        `layer ${index} has ${unscored} blocks without a file in ${VALIDATION}; exactly one, the teacher's own, is expected`,
        file,
      );
    }
    return [teacher, ...layer.filter(({ isTeacher }) => !isTeacher)];
  });
}

async function readStats(file: string): Promise<StatsTable[]> {
  const list = listOf(await readJsonFile(file, MAX_LIBRARY_BYTES), file);
  return list.map((json, index) => {
    const table = new Fields(json, file, `[${index}]`);
    return {
      args: table.inside('args').json,
      nonBlock: costsOf(table.inside('non_block'), []),
      subblocks: table.list('subblocks').map((_, i) => parseSubblock(table.at('subblocks', i))),
    };
  });
}

const CLASSES = { AttentionConfig: 'attention', FFNConfig: 'ffn' } as const;
const CLASS_NAMES = Object.keys(CLASSES) as (keyof typeof CLASSES)[];
const NOT_COSTS = ['subblock_config', 'subblock_config_class', 'parent_layer_index'];

function parseSubblock(fields: Fields): SubblockStats {
  return {
    half: CLASSES[fields.oneOf('subblock_config_class', CLASS_NAMES)],
    key: configKey(fields.inside('subblock_config').json),
    layer: fields.has('parent_layer_index') ? fields.integer('parent_layer_index', { min: 0, max: MAX_LAYERS }) : null,
    costs: costsOf(fields, NOT_COSTS),
  };
}

function costsOf(fields: Fields, except: readonly string[]): Record<string, number | null> {
  const names = fields.keys.filter((name) => !except.includes(name));
  return Object.fromEntries(
    names.map((name) => {
      const value = fields.get(name);
      if (value === null || (typeof value === 'number' && Number.isFinite(value))) return [name, value];
      throw fields.error(name, 'a number or null is expected');
    }),
  );
}

function listOf(json: unknown, file: string): unknown[] {
  if (!Array.isArray(json)) throw new InputError(`is ${quoteValue(json)}; a list is expected`, file);
  if (json.length === 0 || json.length > MAX_ENTRIES) {
    throw new InputError(`has ${json.length} entries; 1 to ${MAX_ENTRIES} are expected`, file);
  }
  return json as unknown[];
}
