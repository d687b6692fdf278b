import { count } from '../common/units.js';
import type { PuzzletronHalf } from '../formats/puzzletron-block.js';
import { configKey } from '../formats/puzzletron-block.js';
import { type BlockKind, type ConfigMap, type HalfMap, type LayerMap, mapTotals } from '../model/config-map/map.js';
import { type Half, HALVES } from '../model/names.js';
import type { PuzzletronLibrary } from './puzzletron-library.js';

/** Kinds that the name of a half tells, whatever the teacher has. */
const NAMED_KINDS: Readonly<Record<string, BlockKind>> = { 'no-op': 'no-op', linear: 'linear', mamba: 'mamba' };

/**
 * The architecture map of a working directory's architecture, relative to the teacher.
 *
 * @param choices one per layer; the first of each layer is the teacher's own
 */
export function puzzletronMap(library: PuzzletronLibrary, choices: readonly number[]): ConfigMap {
  const { table, nonBlock, layers } = library;
  const maps = choices.map((choice, layer): LayerMap => {
    const { attention, ffn } = halfMaps(library, layer, choice);
    return { attention, ffn, kvBytesPerToken: null, score: layers[layer]?.choices[choice]?.score ?? null };
  });
  const { n_embd: hidden, n_head: heads } = table.args;
  return {
    family: 'puzzletron',
    layers: maps,
    hiddenSize: typeof hidden === 'number' && hidden > 0 ? hidden : null,
    heads: typeof heads === 'number' && heads > 0 ? heads : null,
    totals: mapTotals(maps, nonBlock['num_params'] ?? null),
    notes: Object.hasOwn(nonBlock, 'num_params')
      ? []
      : ['subblock_stats.json does not count parameters (num_params), so that shares of them are not known.'],
  };
}

/** Both halves of one choice of a layer, as a map shows them. */
export function halfMaps(library: PuzzletronLibrary, layer: number, choice: number): Record<Half, HalfMap> {
  const [attention, ffn] = HALVES.map((half) => halfMap(library, { layer, choice, half }));
  return { attention: attention as HalfMap, ffn: ffn as HalfMap };
}

function halfMap(
  { replacements, halfCosts, nonBlock }: PuzzletronLibrary,
  { layer, choice, half }: { layer: number; choice: number; half: Half },
): HalfMap {
  const [teacher, chosen] = [replacements[layer]?.[0], replacements[layer]?.[choice]];
  if (teacher === undefined || chosen === undefined) throw new Error(`layer ${layer} has no choice ${choice}`);
  const own = chosen.block[half];
  const isTeachers = configKey(own.json) === configKey(teacher.block[half].json);
  const parameters = (of: number) => halfCosts(layer, of)[half]['num_params'] ?? 0;
  const [part, whole] = [parameters(choice), parameters(0)];
  return {
    name: own.name,
    kind: NAMED_KINDS[own.name] ?? (own.name.startsWith('moe') ? 'experts' : isTeachers ? 'full' : 'reduced'),
    kept: isTeachers ? 1 : whole === 0 ? 0 : Math.min(1, part / whole),
    parameters: Object.hasOwn(nonBlock, 'num_params') ? part : null,
    detail: detailOf(own),
  };
}

const NAME_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^kv(\d+)$/, 'KV heads'],
  [/^ffn(\d+)$/, 'channels'],
  [/^moe(\d+)$/, 'experts'],
];

function detailOf({ name }: PuzzletronHalf): string {
  for (const [pattern, words] of NAME_WORDS) {
    const number = pattern.exec(name)?.[1];
    if (number !== undefined) return `${count(Number(number))} ${words}`;
  }
  return { 'no-op': 'nothing in its place', linear: 'one matrix' }[name] ?? 'not counted';
}
