import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../common/errors.js';
import { readPuzzletronDirectory } from '../formats/puzzletron.js';
import { writeJson } from '../run/artifacts.js';
import { puzzletronLibrary } from '../search/puzzletron-library.js';
import { puzzletronSolutions } from '../search/puzzletron-solutions.js';
import type { Answer } from './command.js';
import { renderMap } from './render-map.js';
import type { SolveFlags } from './solve-flags.js';
import { solveAsLibrary } from './solve-library.js';

/**
 * `puzzle solve DIR --constraint "memory_mib<=78000" --out solutions.json`: the best architecture of a Puzzletron working
 * directory, under limits on the costs of its own files, and the file that its realise step takes.
 */
export async function solvePuzzletron(dir: string, flags: SolveFlags): Promise<Answer> {
  const { metric, stats, out } = flags;
  if (out !== undefined && existsSync(out)) throw new InputError('is there already; give a new name', out);
  const library = puzzletronLibrary(await readPuzzletronDirectory(dir), { metric, stats });
  return solveAsLibrary(library, flags, async ({ limits }, solutions) => {
    const [best = []] = solutions;
    const choices = solutions.map((solution) => [...solution]);
    if (out !== undefined) await writeJson(path.resolve(out), puzzletronSolutions(library, limits, choices));
    return {
      json: { directory: path.resolve(dir), metric: library.metric, ...(out === undefined ? {} : { out }) },
      map: renderMap(best.map((choice, layer) => library.layerReport(layer, choice))),
      note: `Score: ${library.metric}, less the teacher's.${out === undefined ? '' : ` Written to ${out}.`}`,
    };
  });
}
