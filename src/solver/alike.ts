import { InputError } from '../common/errors.js';
import { costNames, type Choice, type Place, type Problem } from './problem.js';
import { allowedOverlap, overlapName } from './program.js';

/** A problem in which ranges of layers that must be alike are one layer each, and the way back. */
export interface Joined {
  problem: Problem;
  /** Per layer of `problem`: the layers it stands for, and for each of its choices theirs. */
  groups: { members: number[]; options: number[][] }[];
  /** The choice per layer of the whole problem. */
  expand: (choices: readonly number[]) => number[];
}

/**
 * Takes the ranges of `same` out of a problem: a range becomes one layer whose choices are those that all of its layers
 * have and may take, by name, in the order of its first layer. Agreement with earlier solutions becomes a cost, as a
 * joined layer may agree in some of its layers only.
 *
 * @throws InputError where the layers of a range have no choice in common
 */
export function joinAlike(problem: Problem): Joined {
  const { layers, same = [], diversity, pins = [], bans = [], ...rest } = problem;
  const groups = layers.flatMap((_, layer): number[][] => {
    const range = same.find(({ from, to }) => from <= layer && layer <= to);
    if (range === undefined) return [[layer]];
    return range.from === layer ? [Array.from({ length: range.to - layer + 1 }, (__, i) => layer + i)] : [];
  });
  const overlaps = diversity?.solutions ?? [];
  const options = groups.map((group) => groupOptions(group, { ...problem, pins, bans }));
  const names = costNames(problem);
  const joined = options.map((choices, g) => ({
    choices: choices.map((indices): Choice => {
      const members = (groups[g] as number[]).map((layer, i) => choiceAt(layers, layer, indices[i] as number));
      const sum = (of: (choice: Choice) => number) => members.reduce((total, choice) => total + of(choice), 0);
      return {
        name: (members[0] as Choice).name,
        score: sum(({ score }) => score),
        costs: Object.fromEntries([
          ...names.map((cost) => [cost, sum(({ costs }) => costs[cost] as number)] as const),
          ...overlaps.map((solution, s) => {
            const agreeing = (groups[g] as number[]).filter((layer, i) => solution[layer] === indices[i]);
            return [overlapName(s), agreeing.length] as const;
          }),
        ]),
      };
    }),
  }));
  const overlapLimits = overlaps.map((_, s) => ({ cost: overlapName(s), max: allowedOverlap(problem) }));
  return {
    problem: { ...rest, layers: joined, limits: [...problem.limits, ...overlapLimits], same: [] },
    groups: groups.map((members, g) => ({ members, options: options[g] as number[][] })),
    expand: (choices) => groups.flatMap((_, g) => options[g]?.[choices[g] as number] ?? []),
  };
}

/** The choices of a group of layers: an index per layer. */
function groupOptions(group: readonly number[], { layers, pins, bans }: Problem & { pins: Place[]; bans: Place[] }) {
  const allowed = group.map((layer) => {
    const pin = pins.find((place) => place.layer === layer)?.choice;
    const banned = new Set(bans.filter((ban) => ban.layer === layer).map(({ choice }) => choice));
    const choices = layers[layer]?.choices ?? [];
    const open = choices.flatMap(({ name }, index) =>
      (pin ?? index) === index && !banned.has(index) ? [[name, index] as const] : [],
    );
    return { open, byName: new Map(open) };
  });
  const common = (allowed[0]?.open ?? []).flatMap(([name, index]) => {
    if (group.length === 1) return [[index]];
    const indices = allowed.flatMap(({ byName }) => byName.get(name) ?? []);
    return indices.length === group.length ? [indices] : [];
  });
  if (common.length > 0) return common;
  throw new InputError(
    'have no choice in common that all of them may take; ask for shorter ranges or fewer pins and bans',
    `layers ${group[0]} to ${group.at(-1)} alike`,
  );
}

function choiceAt(layers: Problem['layers'], layer: number, index: number): Choice {
  return layers[layer]?.choices[index] as Choice;
}
