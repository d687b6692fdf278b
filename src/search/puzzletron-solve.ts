import { quote } from '../formats/quote.js';
import { HALVES } from '../model/names.js';
import { costNames, type Limit, LIMIT_TOLERANCE, type Problem } from '../solver/problem.js';
import { InputError } from '../common/errors.js';
import { parseLibraryLimits } from './library-limits.js';
import type { PuzzletronLibrary } from './puzzletron-library.js';
import { allows, checkRules, type LayerRule } from './rules.js';

/** Texts of limits by their costs, and rules about halves of layers, as the panel has them. */
export interface LibraryRequirements {
  /** `{"memory_mib": "<= 78000"}` */
  limits: Readonly<Record<string, string>>;
  rules: readonly LayerRule[];
}

/**
 * The program of a working directory under these limits and rules. A rule about a half bans every choice whose half it
 * does not allow.
 *
 * @throws InputError for a limit that is not understood, a rule that names no variant, or a layer that is left no choice
 */
export function puzzletronProblem(library: PuzzletronLibrary, { limits, rules }: LibraryRequirements): Problem {
  const { layers, nonBlock, replacements } = library;
  checkRules(
    rules,
    replacements.map((choices) => {
      const names = HALVES.map((half) => [...new Set(choices.map(({ block }) => block[half].name))]);
      const [attention = [], ffn = []] = names.map((half) => half.map((name) => ({ name })));
      return { attention, ffn };
    }),
  );
  const bans = [...new Set(rules.map(({ layer }) => layer))].flatMap((layer) => {
    const choices = replacements[layer] ?? [];
    const banned = choices.flatMap(({ block }, choice) =>
      HALVES.every((half) => allows(rules, layer, half, block[half].name)) ? [] : [{ layer, choice }],
    );
    if (banned.length < choices.length) return banned;
    throw new InputError(`the rules leave layer ${layer} no block of the library`, 'rules');
  });
  return { layers, nonBlock, bans, limits: limitsOf(library, limits) };
}

function limitsOf(library: PuzzletronLibrary, texts: LibraryRequirements['limits']): Limit[] {
  return Object.entries(texts).flatMap(([cost, text]) => parseLibraryLimits([`${cost} ${text}`], library, 'limits'));
}

/** What the total of each cost can be at all, in the file's own unit; `parent`: the teacher's. */
export function libraryRanges(
  library: PuzzletronLibrary,
): { metric: string; min: number; max: number; parent: number }[] {
  const { layers, nonBlock } = library;
  return costNames({ ...library, limits: [] }).map((metric) => {
    const total = (pick: (costs: number[]) => number) =>
      layers.reduce(
        (sum, { choices }) => sum + pick(choices.map(({ costs }) => costs[metric] ?? 0)),
        nonBlock[metric] ?? 0,
      );
    return {
      metric,
      min: total((costs) => Math.min(...costs)),
      max: total((costs) => Math.max(...costs)),
      parent: total(([first = 0]) => first),
    };
  });
}

/** Names of halves back to the choice of each layer. Throws InputError where a layer has no such block. */
export function puzzletronChoices(
  { replacements }: PuzzletronLibrary,
  architecture: readonly { attention: string; ffn: string }[],
): number[] {
  return replacements.map((choices, layer) => {
    const wanted = architecture[layer];
    const choice = choices.findIndex(
      ({ block }) => block.attention.name === wanted?.attention && block.ffn.name === wanted.ffn,
    );
    if (choice >= 0) return choice;
    throw new InputError(`layer ${layer} has no ${quote(`${wanted?.attention ?? ''} + ${wanted?.ffn ?? ''}`)}`);
  });
}

/** Throws InputError, with limit and total, where what a choice for every layer comes to is beyond a limit. */
export function checkWithin(
  { layers, nonBlock }: PuzzletronLibrary,
  limits: readonly Limit[],
  choices: readonly number[],
): void {
  for (const { cost, min = -Infinity, max = Infinity } of limits) {
    const total = choices.reduce(
      (sum, choice, layer) => sum + (layers[layer]?.choices[choice]?.costs[cost] ?? 0),
      nonBlock[cost] ?? 0,
    );
    const beyond = (excess: number, limit: number) => excess > LIMIT_TOLERANCE * Math.abs(limit);
    const broken = beyond(total - max, max) ? `<= ${max}` : beyond(min - total, min) ? `>= ${min}` : null;
    if (broken === null) continue;
    throw new InputError(
      `the solution does not meet ${cost} ${broken}: it has ${total}; choose one that does`,
      'limits',
    );
  }
}
