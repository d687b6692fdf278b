import * as l10n from '@vscode/l10n';
import type { ArchitectureMap } from '../../src/protocol/architecture.js';
import type { SolutionView } from '../../src/protocol/solution.js';
import { bytes, count, percent } from '../ui/format.js';
import { HALF_NAMES, keptShare } from './summary.js';

interface TotalsProps {
  map: ArchitectureMap;
  parent: ArchitectureMap | null;
  /** Where the map is a solution: what it costs at the workload. */
  solution: SolutionView | null;
}

interface Total {
  name: string;
  value: string;
  share: number | null;
}

/** What the whole model comes to, beside the parent. */
export function Totals({ map: { totals }, parent, solution }: TotalsProps) {
  const parents = parent?.totals;
  const rows: Total[] = [
    {
      name: l10n.t('parameters'),
      value: totals.parameters === null ? l10n.t('{0} and more', count(totals.known)) : count(totals.parameters),
      share: keptShare(totals.parameters, parents?.parameters),
    },
    ...totalOf(l10n.t('KV cache of a token'), totals.kvBytesPerToken, bytes, parents?.kvBytesPerToken),
    ...(solution === null
      ? [
          ...totalOf(HALF_NAMES.attention, totals.attention, count, null),
          ...totalOf(HALF_NAMES.ffn, totals.ffn, count, null),
          ...totalOf(l10n.t('embeddings and head'), totals.nonBlock, count, null),
        ]
      : totalOf(l10n.t('memory at the workload'), memoryOf(solution.totals), bytes, memoryOf(solution.parent))),
  ];
  return (
    <dl class="map-totals">
      {rows.map(({ name, value, share }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value}
            {share !== null && <span class="muted"> {l10n.t('{0} of the parent’s', percent(share))}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function totalOf(
  name: string,
  value: number | null,
  text: (value: number) => string,
  parents: number | null | undefined,
): Total[] {
  return value === null ? [] : [{ name, value: text(value), share: keptShare(value, parents) }];
}

/** In bytes; null of a library made elsewhere, which counts its memory in its own way. */
function memoryOf({ memory }: SolutionView['totals']): number | null {
  return memory ?? null;
}
