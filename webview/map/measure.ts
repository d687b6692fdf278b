import * as l10n from '@vscode/l10n';
import type { ArchitectureMap, LayerMap } from '../../src/protocol/architecture.js';
import { count, significant } from '../ui/format.js';
import { layerParameters, scoreText } from './facts.js';

/** What the last column tells of every layer. */
export interface Measure {
  name: string;
  unit: string;
  of: (layer: LayerMap) => number | null;
  text: (value: number) => string;
}

const SCORE: Omit<Measure, 'unit'> = { name: l10n.t('score'), of: ({ score }) => score, text: scoreText };
const PARAMETERS: Measure = { name: l10n.t('size'), unit: l10n.t('parameters'), of: layerParameters, text: shortCount };

/** The scores, where the map has any, in `unit`; else how large the layers are. */
export function measureOf({ layers }: ArchitectureMap, unit = 'nats/token'): Measure {
  return layers.some(({ score }) => score !== null) ? { ...SCORE, unit } : PARAMETERS;
}

/** The largest of a map: as long as its bar can be. */
export function largestOf({ layers }: ArchitectureMap, { of }: Measure): number {
  return layers.reduce((largest, layer) => Math.max(largest, of(layer) ?? 0), 0);
}

const UNITS = ['', 'K', 'M', 'B', 'T'] as const;

/** 855,654,400 as `856M`. */
export function shortCount(value: number): string {
  const power = value < 10_000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(value) / 3));
  return power === 0 ? count(value) : `${significant(value / 1000 ** power)}${UNITS[power] ?? ''}`;
}
