import * as l10n from '@vscode/l10n';
import { useMemo, useRef } from 'preact/hooks';
import type { ArchitectureMap } from '../../src/protocol/architecture.js';
import type { PanelState } from '../../src/protocol/panel.js';
import type { SolutionView } from '../../src/protocol/solution.js';
import { shownAlternative } from '../explore/shown-alternative.js';

/** The map that is drawn, and where it is from. */
export interface ShownMap {
  map: ArchitectureMap;
  /** The outline behind it; null where the map is the parent's own, or that of a config. */
  parent: ArchitectureMap | null;
  /** Where the map is a solution; null for the parent's. */
  solution: SolutionView | null;
  /** What the map is, where that is not plain. */
  note: string | null;
}

const UNMET = l10n.t('No architecture meets these limits: this is the last one that met its own.');
const UNMET_PARENT = l10n.t('No architecture meets these limits: this is the parent.');
const LEAST_SUM = l10n.t('The least sum of scores, not what the search of whole architectures chose.');
const PARENT = l10n.t('The parent. The child’s architecture appears once the variants are scored and measured.');

/** What to draw of a state: the optimum; while there is none, the last one there was; before the first, the parent. */
export function useShownMap({ kind, answer, parent }: PanelState): ShownMap | null {
  const last = useRef<SolutionView | null>(null);
  if (answer === null) last.current = null;
  if (answer?.kind === 'solved') last.current = answer.solution;
  const solution = last.current;
  const met = answer?.kind === 'solved';
  const other = met ? shownAlternative.value : null;
  const parentNote = answer !== null ? UNMET_PARENT : kind === 'search' ? PARENT : null;
  return useMemo(() => {
    if (solution !== null && other !== null) {
      const { number, alternative } = other;
      const note = number === 0 ? LEAST_SUM : l10n.t('Solution {0} of the other solutions.', number);
      return { map: alternative.map, parent, solution: { ...solution, ...alternative }, note };
    }
    if (solution !== null) return { map: solution.map, parent, solution, note: met ? null : UNMET };
    return parent && { map: parent, parent: null, solution: null, note: parentNote };
  }, [solution, other, parent, met, parentNote]);
}
