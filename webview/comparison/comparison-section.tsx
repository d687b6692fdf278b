import * as l10n from '@vscode/l10n';
import type { ComponentChildren } from 'preact';
import { act, type ComparedModel, type Comparison } from '../../src/protocol/panel.js';
import { perform } from '../state/store.js';
import { Button } from '../ui/button.js';
import { CopyButton } from '../ui/copy-button.js';
import { DataTable } from '../ui/data-table.js';
import { Section } from '../ui/section.js';
import { Solutions } from './solutions-table.js';
import { comparisonLines, comparisonTsv, uniformQuestions, type Line } from './lines.js';
import './comparison.css';

interface ComparisonProps {
  comparison: Comparison | null;
  /** It is of one run, with which solutions can be kept. */
  editable?: boolean;
}

/** The parent, the child and whatever else was made of it, side by side. */
export function ComparisonSection({ comparison, editable = false }: ComparisonProps) {
  return (
    <Section
      id="comparison"
      title={l10n.t('Comparison')}
      summary={
        comparison === null
          ? l10n.t('when evaluate has measured the child')
          : comparison.models.map(({ name }) => name).join(' | ')
      }
      openByDefault={comparison !== null}
      actions={
        comparison !== null && (
          <>
            <CopyButton
              iconOnly
              text={() => comparisonTsv(comparison.models)}
              title={l10n.t('Copy the table, parted by tabs')}
            />
            {comparison.report !== null && (
              <Button
                appearance="icon"
                icon="file"
                onClick={() => {
                  perform(act, { action: 'openReport' });
                }}
              >
                {l10n.t('Open the report')}
              </Button>
            )}
          </>
        )
      }
    >
      {comparison === null ? (
        <p class="muted">
          {l10n.t(
            'Parent and child stand here side by side when evaluate has measured them: size, throughput, perplexity, tasks.',
          )}
        </p>
      ) : (
        <>
          <ComparisonTable models={comparison.models} />
          <Solutions solutions={comparison.solutions} editable={editable} />
        </>
      )}
    </Section>
  );
}

function ComparisonTable({ models }: { models: readonly ComparedModel[] }) {
  const [parent, ...others] = models;
  if (parent === undefined) return null;
  const columns = [
    { key: 'line', title: <span class="visually-hidden">{l10n.t('measure')}</span> },
    { key: 'parent', title: parent.name, numeric: true },
    ...others.flatMap(({ name }, index) => [
      { key: `${index}`, title: name, numeric: true },
      { key: `${index}/kept`, title: <KeptTitle of={name} />, numeric: true },
    ]),
  ];
  return (
    <>
      <DataTable
        caption={l10n.t('Parent and children compared')}
        columns={columns}
        rows={comparisonLines(parent).map((line) => ({
          key: line.key,
          class: lineClass(line),
          cells: [
            <LineTitle key="line" line={line} />,
            line.value(parent),
            ...others.flatMap((model): ComponentChildren[] => [line.value(model), keptText(line, model)]),
          ],
        }))}
      />
      <Notes models={models} />
    </>
  );
}

function KeptTitle({ of }: { of: string }) {
  return (
    <>
      <span aria-hidden="true">{l10n.t('kept')}</span>
      <span class="visually-hidden">{l10n.t('kept by {0}', of)}</span>
    </>
  );
}

function LineTitle({ line: { title, unit } }: { line: Line }) {
  return (
    <>
      {title}
      {unit !== null && <span class="line-unit"> {unit}</span>}
    </>
  );
}

function lineClass({ key, heading }: Line): string {
  if (heading) return 'line-heading';
  return key.startsWith('task/') ? 'line-task' : 'line';
}

function keptText(line: Line, model: ComparedModel): ComponentChildren {
  return <span class="kept">{line.kept(model)}</span>;
}

/** What the figures mean, as far as there are any of the kind. */
function Notes({ models }: { models: readonly ComparedModel[] }) {
  const questions = models[0] === undefined ? null : uniformQuestions(models[0]);
  const notes = [
    questions !== null && l10n.t('Accuracy: each task has {0}.', questions),
    models.some(({ speedup }) => speedup !== null) &&
      l10n.t('Throughput kept: median of alternating pairs, with quartiles.'),
    models.some(({ accuracyStandardError }) => accuracyStandardError !== null) &&
      l10n.t('±: one standard error of the share kept, in percentage points, paired over the questions.'),
    l10n.t('Memory and predicted throughput are computed from the parts; a dash: not measured.'),
  ].filter((note) => note !== false);
  return <p class="comparison-notes muted small">{notes.join(' ')}</p>;
}
