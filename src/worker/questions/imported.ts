import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError } from '../../common/errors.js';
import {
  isPuzzletronDirectory,
  type PuzzletronDirectory,
  PUZZLETRON_FILES,
  readPuzzletronDirectory,
} from '../../formats/puzzletron.js';
import { type Half, HALVES } from '../../model/names.js';
import type { ParamsOf } from '../../protocol/messages.js';
import type { exportSolutionsQuestion, Imported } from '../../protocol/questions.js';
import type { ImportedView, LayerDetail, MetricRange, SolveAnswer, VariantView } from '../../protocol/solution.js';
import { writeJson } from '../../run/artifacts.js';
import { conflictText, relaxationTexts } from '../../search/library-conflict.js';
import { metricNames, type PuzzletronLibrary, puzzletronLibrary, tableNames } from '../../search/puzzletron-library.js';
import { halfMaps, puzzletronMap } from '../../search/puzzletron-map.js';
import { puzzletronSolutions } from '../../search/puzzletron-solutions.js';
import {
  checkWithin,
  libraryRanges,
  type LibraryRequirements,
  puzzletronChoices,
  puzzletronProblem,
} from '../../search/puzzletron-solve.js';
import type { Limit, Problem } from '../../solver/problem.js';
import { solve, type Solution } from '../../solver/solve.js';
import { Kept } from './kept.js';
import { stampOf } from './stamp.js';

// The same questions as about a run, about a Puzzletron working directory.

/** Directories whose panels are open: few. */
const MAX_DIRECTORIES = 2;
/** By what was taken of each. */
const MAX_LIBRARIES = 4;

const directories = new Kept<PuzzletronDirectory>(MAX_DIRECTORIES);
const libraries = new Kept<PuzzletronLibrary>(MAX_LIBRARIES);

export interface OfImported {
  run: string;
  imported: Imported;
}

/** What the directory has to offer. Throws InputError, with file, key and reason, for one that is malformed. */
export async function answerImported({ dir }: { dir: string }): Promise<ImportedView> {
  const { value: directory } = await opened(dir);
  const metrics = metricNames(directory);
  const library = puzzletronLibrary(directory, { metric: metrics[0], table: 0 });
  return {
    ...{ metrics, tables: tableNames(directory) },
    parent: puzzletronMap(library, teacherOf(library)),
    blocks: directory.layers.flat().length,
  };
}

export async function answerImportedSolve({
  limits,
  rules,
  ...of
}: OfImported & LibraryRequirements): Promise<SolveAnswer> {
  const library = await importedLibrary(of);
  try {
    const problem = puzzletronProblem(library, { limits, rules });
    const found = await solve(problem);
    if (found.status === 'undecided') throw new Error('the solver stopped without an answer');
    if (found.status === 'infeasible') {
      return { kind: 'infeasible', message: conflictText(found), relaxation: relaxationTexts(found) };
    }
    return { kind: 'solved', solution: solutionView(library, problem, { solution: found, texts: limits }) };
  } catch (error) {
    if (error instanceof InputError) return { kind: 'invalid', message: error.reason, where: error.where ?? '' };
    throw error;
  }
}

export async function answerImportedRanges(of: OfImported): Promise<MetricRange[]> {
  return libraryRanges(await importedLibrary(of));
}

/** The halves that a layer's blocks are made of; the score of each is that of the block that has the teacher's other half. */
export async function answerImportedLayer({ layer, ...of }: OfImported & { layer: number }): Promise<LayerDetail> {
  const library = await importedLibrary(of);
  const choices = library.replacements[layer];
  if (choices === undefined) {
    throw new InputError(`there is no layer ${layer}; the teacher has ${library.layers.length}`, of.run);
  }
  const [attention, ffn] = HALVES.map((half) => variantViews(library, layer, half));
  return { layer, attention: attention ?? [], ffn: ffn ?? [] };
}

/** Writes `solutions.json`. Throws InputError for an architecture that the library lacks, or beyond the limits. */
export async function exportSolutions({
  limits,
  architectures,
  out,
  ...of
}: ParamsOf<typeof exportSolutionsQuestion>): Promise<{ file: string }> {
  const library = await importedLibrary(of);
  const problem = puzzletronProblem(library, { limits, rules: [] });
  const choices = architectures.map((architecture) => puzzletronChoices(library, architecture));
  for (const chosen of choices) checkWithin(library, problem.limits, chosen);
  await writeJson(out, puzzletronSolutions(library, problem.limits, choices));
  return { file: out };
}

/** Reads again only what has changed. */
export async function importedLibrary({ run, imported }: OfImported): Promise<PuzzletronLibrary> {
  const { value: directory, stamp } = await opened(run);
  return libraries.get(`${directory.dir} ${JSON.stringify(imported)}`, stamp, () =>
    Promise.resolve(puzzletronLibrary(directory, imported)),
  );
}

async function opened(folder: string): Promise<{ value: PuzzletronDirectory; stamp: string }> {
  const dir = resolve(folder);
  if (!(await isPuzzletronDirectory(dir))) {
    throw new InputError(`has no ${PUZZLETRON_FILES.library}, so it is no Puzzletron working directory`, dir);
  }
  const validation = join(dir, PUZZLETRON_FILES.validation);
  const scored = (await readdir(validation).catch(() => [])).sort().map((name) => join(validation, name));
  const own = [PUZZLETRON_FILES.library, PUZZLETRON_FILES.stats].map((name) => join(dir, name));
  const stamp = await stampOf([...own, validation, ...scored]);
  return { value: await directories.get(dir, stamp, () => readPuzzletronDirectory(dir)), stamp };
}

function teacherOf({ layers }: PuzzletronLibrary): number[] {
  return layers.map(() => 0);
}

/** Differences of losses that are in nats of a token; what other metrics are in only their names tell. */
const NATS: ReadonlySet<string> = new Set(['kl_div', 'lm_loss']);

function scoreUnitOf({ metric }: PuzzletronLibrary): string {
  return NATS.has(metric) ? 'nats/token' : metric;
}

function solutionView(
  library: PuzzletronLibrary,
  problem: Problem,
  { solution, texts }: { solution: Solution; texts: LibraryRequirements['limits'] },
): Extract<SolveAnswer, { kind: 'solved' }>['solution'] {
  const { status, objective, bound, gap, nodes, milliseconds, choices, totals } = solution;
  const batch = library.table.args['batch_size'];
  const ranges = libraryRanges(library);
  return {
    ...{ status, objective, bound, gap, nodes, milliseconds, totals },
    scoreUnit: scoreUnitOf(library),
    searched: null,
    limits: problem.limits.map((limit) => limitView(limit, texts[limit.cost] ?? '', solution)),
    parent: Object.fromEntries(ranges.map(({ metric, parent }) => [metric, parent])),
    batch: typeof batch === 'number' ? batch : null,
    estimated: null,
    map: puzzletronMap(library, choices),
  };
}

function limitView({ cost, min, max }: Limit, text: string, { totals, binding, shadowPrices }: Solution) {
  const used = totals[cost] ?? 0;
  const allowed = max ?? min ?? 0;
  return {
    ...{ metric: cost, text, allowed, used },
    slack: Math.max(0, max === undefined ? used - allowed : allowed - used),
    binding: binding.includes(cost),
    shadowPrice: shadowPrices[cost] ?? 0,
  };
}

const OTHER_HALF: Readonly<Record<Half, Half>> = { attention: 'ffn', ffn: 'attention' };

function variantViews(library: PuzzletronLibrary, layer: number, half: Half): VariantView[] {
  const choices = library.replacements[layer] ?? [];
  const names = [...new Set(choices.map(({ block }) => block[half].name))];
  const teachers = choices[0]?.block[OTHER_HALF[half]].name;
  return names.flatMap((name): VariantView[] => {
    const first = choices.findIndex(({ block }) => block[half].name === name);
    const alone = choices.findIndex(
      ({ block }) => block[half].name === name && block[OTHER_HALF[half]].name === teachers,
    );
    const costs = library.halfCosts(layer, first)[half];
    const seconds = (key: string) => scaled(costs[key], 1e-3);
    return [
      {
        ...halfMaps(library, layer, first)[half],
        ...{ lossBefore: null, loss: null, failed: false, excluded: null },
        score: library.layers[layer]?.choices[alone]?.score ?? null,
        memory: scaled(costs['memory_mib'], 2 ** 20),
        prefillSeconds: seconds('prefill_runtime_ms'),
        decodeSeconds: seconds('decode_runtime_ms'),
      },
    ];
  });
}

function scaled(value: number | null | undefined, factor: number): number | null {
  return typeof value === 'number' && value >= 0 ? value * factor : null;
}
