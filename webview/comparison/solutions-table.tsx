import * as l10n from '@vscode/l10n';
import { type ComparedSolution, dropKept, keep } from '../../src/protocol/panel.js';
import { perform } from '../state/store.js';
import { Button } from '../ui/button.js';
import { DataTable } from '../ui/data-table.js';
import { NONE, percent, significant, times } from '../ui/format.js';
import { apartText, differingLayers, limitTexts, solutionNames } from './solutions.js';

interface SolutionsProps {
  solutions: readonly ComparedSolution[];
  /** Solutions can be kept and forgotten. */
  editable: boolean;
}

/** Every architecture that was solved for, with what is predicted of it, and where their maps differ. */
export function Solutions({ solutions, editable }: SolutionsProps) {
  const [first] = solutions;
  if (first === undefined) return null;
  const names = solutionNames(solutions);
  const forgets = editable && solutions.some(({ origin }) => origin === 'kept');
  const changed = solutions.map((solution, index) => (index === 0 ? null : apartText(solution, first)));
  const hasNews = solutions.some(({ origin }) => origin === 'present');
  return (
    <div class="solutions table-fold">
      <div class="solutions-head">
        <h3 class="solutions-title">{l10n.t('Solutions')}</h3>
        {editable && hasNews && (
          <Button
            onClick={() => {
              perform(keep, { alternative: null });
            }}
          >
            {l10n.t('Keep the present optimum')}
          </Button>
        )}
      </div>
      <DataTable
        caption={l10n.t('Solutions under their limits, and what is predicted of them beside the parent')}
        columns={[
          { key: 'name', title: l10n.t('solution') },
          ...(forgets ? [{ key: 'forget', title: <span class="visually-hidden">{l10n.t('forget')}</span> }] : []),
          { key: 'objective', title: l10n.t('objective'), numeric: true, folds: true },
          { key: 'throughput', title: l10n.t('throughput'), numeric: true },
          { key: 'memory', title: l10n.t('memory'), numeric: true, folds: true },
          { key: 'parameters', title: l10n.t('parameters'), numeric: true, folds: true },
          { key: 'apart', title: l10n.t('changed'), numeric: true, folds: true },
        ]}
        rows={solutions.map((solution, index) => ({
          key: `${index}`,
          cells: [
            <Name key="name" name={names[index] ?? ''} solution={solution} changed={changed[index] ?? null} />,
            ...(forgets
              ? [solution.origin === 'kept' && <Forget key="forget" name={names[index] ?? ''} solution={solution} />]
              : []),
            significant(solution.objective),
            ...FIGURES.map(({ metric, kept }) => kept(solution.totals[metric] / solution.parent[metric])),
            changed[index] ?? NONE,
          ],
        }))}
      />
      <p class="comparison-notes muted small">
        {l10n.t(
          'Objective: sum of scores, nats/token. Throughput, memory, parameters: predicted, of the parent’s. Changed: halves of layers that are not as in {0}.',
          names[0] ?? '',
        )}
      </p>
      <LayersApart solutions={solutions} names={names} />
    </div>
  );
}

/** What is told of a solution, as a share of the parent's. */
const FIGURES: readonly { metric: keyof ComparedSolution['totals']; kept: (share: number) => string }[] = [
  { metric: 'throughput', kept: times },
  { metric: 'memory', kept: percent },
  { metric: 'parameters', kept: percent },
];

interface NameProps {
  name: string;
  solution: ComparedSolution;
  /** In how much it is other than the first; null for that. */
  changed: string | null;
}

function Name({ name, solution, changed }: NameProps) {
  const { objective, totals, parent } = solution;
  const folded = [
    l10n.t('objective {0}', significant(objective)),
    l10n.t('memory {0}', percent(totals.memory / parent.memory)),
    l10n.t('parameters {0}', percent(totals.parameters / parent.parameters)),
    ...(changed === null ? [] : [l10n.t('changed {0}', changed)]),
  ];
  return (
    <>
      {name}
      {limitTexts(solution).map((text) => (
        <span key={text} class="solution-limit muted small">
          {' '}
          {text}
        </span>
      ))}
      <span class="table-folded muted small">
        {folded.map((text) => (
          <span key={text} class="solution-limit">
            {text}
          </span>
        ))}
      </span>
    </>
  );
}

function Forget({ name, solution: { limits, architecture } }: Pick<NameProps, 'name' | 'solution'>) {
  return (
    <Button
      appearance="icon"
      icon="trash"
      onClick={() => {
        perform(dropKept, { limits, architecture });
      }}
    >
      {l10n.t('Forget {0}', name)}
    </Button>
  );
}

/** The layers in which not all have the same, side by side. */
function LayersApart({ solutions, names }: { solutions: readonly ComparedSolution[]; names: readonly string[] }) {
  const layers = differingLayers(solutions);
  if (layers.length === 0) return null;
  const all = Math.max(...solutions.map(({ architecture }) => architecture.length));
  return (
    <details class="solution-layers">
      <summary>{l10n.t('Layers that differ: {0} of {1}', layers.length, all)}</summary>
      <DataTable
        caption={l10n.t('Layer by layer; bold: other than {0}', names[0] ?? '')}
        showCaption
        columns={[
          { key: 'layer', title: l10n.t('layer') },
          ...names.map((name, index) => ({ key: `${index}`, title: name })),
        ]}
        rows={layers.map(({ layer, choices }) => ({
          key: `${layer}`,
          cells: [
            layer,
            ...choices.map((choice) => (choice?.differs ? <strong>{choice.text}</strong> : (choice?.text ?? NONE))),
          ],
        }))}
      />
    </details>
  );
}
