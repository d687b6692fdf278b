import { InputError } from '../common/errors.js';
import { quote } from '../formats/quote.js';
import { costNames, type Limit, type Place } from '../solver/problem.js';
import type { LibraryFile } from './library-file.js';

const LIMIT =
  /^\s*(.+?)\s*(<=|>=|==|≤|≥)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(%?)\s*(?:~\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(%?))?\s*(\S*)\s*$/i;
const PLACE = /^\s*(\d{1,9}|\*)\s*:\s*(.+?)\s*$/;
const RANGE = /^\s*(\d{1,9})\s*-\s*(\d{1,9})\s*$/;

/** What only a workload, which a library file does not have, gives a meaning to. */
const NEED_WORKLOAD = ['throughput', 'latency'];

const HELP =
  'write a cost of the file, <=, >= or ==, and a number in the file\'s own unit or in % of the parent, for example "memory_mib<=80000", "memory_mib<=60%" or "memory_mib==70000~500"';

/**
 * Limits on a library file, for example `memory_mib<=80000`. `%` is relative to the total of the first choice of every
 * layer, non-block cost included; `==` takes a tolerance after `~`, in the unit of the limit.
 *
 * @throws InputError naming the limit, and what is understood
 */
export function parseLibraryLimits(flags: readonly string[], library: LibraryFile, where = '--constraint'): Limit[] {
  const known = costNames({ ...library, limits: [] });
  return flags.map((flag): Limit => {
    const [, cost = '', relation = '', number = '', percent = '', tolerance, tolerancePercent = '', rest = ''] =
      LIMIT.exec(flag) ?? [];
    if (relation === '') throw new InputError(`${quote(flag)} is not understood; ${HELP}`, where);
    if (!known.includes(cost)) throw new InputError(unknownCost(cost, known), where);
    if (rest !== '') throw new InputError(`${quote(flag)} has the unit ${quote(rest)}; ${HELP}`, where);
    if (tolerance !== undefined && relation !== '==') {
      throw new InputError(`${quote(flag)} has a tolerance, which only == takes; ${HELP}`, where);
    }
    const parent = parentTotal(library, cost);
    const inUnit = (text: string, sign: string) => Number(text) * (sign === '%' ? parent / 100 : 1);
    const value = inUnit(number, percent);
    if (relation === '<=' || relation === '≤') return { cost, max: value };
    if (relation === '>=' || relation === '≥') return { cost, min: value };
    const around = Math.abs(inUnit(tolerance ?? '0', tolerancePercent));
    return { cost, min: value - around, max: value + around };
  });
}

function unknownCost(cost: string, known: readonly string[]): string {
  const costs = known.length === 0 ? 'its choices have no costs' : `its costs are ${known.join(', ')}`;
  if (NEED_WORKLOAD.includes(cost.toLowerCase())) {
    return `${cost} needs a workload, and a library file has none; limit a cost of the file instead: ${costs}`;
  }
  return `the file has no cost ${quote(cost)}; ${costs}`;
}

function parentTotal({ layers, nonBlock }: LibraryFile, cost: string): number {
  return layers.reduce((sum, { choices }) => sum + (choices[0]?.costs[cost] ?? 0), nonBlock[cost] ?? 0);
}

/**
 * Choices by name, for example `3:kv2 + ffn50%`; `*` for the layer is every layer that has it.
 *
 * @throws InputError for a layer or name that does not exist
 */
export function parsePlaces(flags: readonly string[], { layers }: LibraryFile, where: string): Place[] {
  return flags.flatMap((flag): Place[] => {
    const [, layerText, name = ''] = PLACE.exec(flag) ?? [];
    if (layerText === undefined) {
      throw new InputError(
        `${quote(flag)} is not understood; write a layer, or * for all, and a choice: "3:NAME"`,
        where,
      );
    }
    const all = layers.flatMap(({ choices }, layer) =>
      choices.flatMap((choice, index) => (choice.name === name ? [{ layer, choice: index }] : [])),
    );
    const places = layerText === '*' ? all : all.filter(({ layer }) => layer === Number(layerText));
    if (places.length > 0) return places;
    const named = layerText === '*' ? 'no layer has' : `layer ${layerText} does not have`;
    throw new InputError(`${named} a choice named ${quote(name)}; layers are 0 to ${layers.length - 1}`, where);
  });
}

/** A range of layers, both ends included, for example `0-9`. Throws InputError for anything else. */
export function parseLayerRanges(flags: readonly string[], where: string): { from: number; to: number }[] {
  return flags.map((flag) => {
    const [, from, to] = RANGE.exec(flag) ?? [];
    if (from === undefined || to === undefined) {
      throw new InputError(`${quote(flag)} is not understood; write the first and the last layer: "0-9"`, where);
    }
    return { from: Number(from), to: Number(to) };
  });
}
