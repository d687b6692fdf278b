import * as l10n from '@vscode/l10n';
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { askDiverse, keep, type PanelState, setRules } from '../../src/protocol/panel.js';
import type { Alternative, LayerRule } from '../../src/protocol/solution.js';
import { ask, perform } from '../state/store.js';
import { Button } from '../ui/button.js';
import { DataTable } from '../ui/data-table.js';
import { Dropdown } from '../ui/dropdown.js';
import { significant } from '../ui/format.js';
import { ProgressRing } from '../ui/progress-ring.js';
import { Section } from '../ui/section.js';
import { layersThatDiffer } from './differ.js';
import { questionKey } from './question-key.js';
import { shownAlternative } from './shown-alternative.js';
import { useAnswer } from './use-answer.js';
import './explore.css';

const COUNTS = ['3', '5', '10'] as const;
type Count = (typeof COUNTS)[number];
const wanted = signal<Count>('5');

/** Architectures that are good too, and unlike the optimum and each other. Nothing is computed while it is closed. */
export function OthersSection({ state }: { state: PanelState }) {
  if (state.spec === null || state.answer?.kind !== 'solved') return null;
  return (
    <Section
      id="others"
      title={l10n.t('Other solutions')}
      summary={l10n.t('within the same limits, different in at least a fifth of the layers')}
      openByDefault={false}
    >
      <Others state={state} />
    </Section>
  );
}

function Others({ state }: { state: PanelState }) {
  const count = Number(wanted.value);
  const key = questionKey(state);
  const { value, pending, error } = useAnswer(key === null ? null : `${count} ${key}`, (token) =>
    ask(askDiverse, { count: count + 1 }, token),
  );
  // What is shown of an answer goes with it, and with the question.
  useEffect(
    () => () => {
      shownAlternative.value = null;
    },
    [key, value],
  );
  const unit = state.answer?.kind === 'solved' ? state.answer.solution.scoreUnit : '';
  return (
    <div class="explore" aria-busy={pending}>
      <div class="explore-controls">
        <Dropdown
          label={l10n.t('How many')}
          showLabel
          value={wanted.value}
          options={COUNTS.map((text) => ({ value: text, text }))}
          onChange={(chosen) => {
            wanted.value = chosen;
          }}
        />
      </div>
      {error !== null && <p class="muted">{error}</p>}
      {value === null && error === null && <ProgressRing text={l10n.t('Solving for others…')} />}
      {value?.length === 1 && <p class="muted">{l10n.t('There is no other within the limits.')}</p>}
      {value !== null && value.length > 1 && (
        <OthersTable {...{ solutions: value, unit, answer: state.answer, pending }} />
      )}
      <ShownActions {...{ state, pending }} />
    </div>
  );
}

interface OthersTableProps {
  solutions: readonly Alternative[];
  unit: string;
  /** What the map shows where none of these is chosen. */
  answer: PanelState['answer'];
  /** These answer the question before: they may be outside the limits by now. */
  pending: boolean;
}

function OthersTable({ solutions, unit, answer, pending }: OthersTableProps) {
  const [optimum] = solutions;
  const isAnswer = ({ map }: Alternative): boolean =>
    answer?.kind === 'solved' && layersThatDiffer(map, answer.solution.map) === 0;
  const shown = shownAlternative.value?.number ?? solutions.findIndex(isAnswer);
  if (optimum === undefined) return null;
  return (
    <div class="table-fold">
      <DataTable
        caption={l10n.t('Solutions within the limits, the optimum first; objectives in {0}', unit)}
        columns={[
          { key: 'number', title: l10n.t('solution') },
          { key: 'objective', title: l10n.t('objective'), numeric: true },
          { key: 'above', title: l10n.t('above optimum'), numeric: true, folds: true },
          { key: 'differ', title: l10n.t('layers differ'), numeric: true, folds: true },
          { key: 'show', title: <span class="visually-hidden">{l10n.t('Actions')}</span> },
        ]}
        rows={solutions.map((alternative, number) => {
          const { status, objective, gap, map } = alternative;
          const name = number === 0 ? l10n.t('least sum') : String(number);
          const above = number === 0 ? '' : significant(objective - optimum.objective);
          const differ = number === 0 ? '' : String(layersThatDiffer(map, optimum.map));
          return {
            key: String(number),
            cells: [
              <>
                {name}
                {number > 0 && (
                  <span class="table-folded muted small">
                    {l10n.t('{0} above optimum, layers that differ: {1}', above, differ)}
                  </span>
                )}
              </>,
              status === 'optimal'
                ? significant(objective)
                : l10n.t('{0}, gap {1}', significant(objective), significant(gap)),
              above,
              differ,
              <Button
                key="show"
                disabled={pending || shown === number}
                onClick={() => {
                  shownAlternative.value = isAnswer(alternative) ? null : { number, alternative };
                }}
              >
                {shown === number ? l10n.t('Shown') : l10n.t('Show')} <span class="visually-hidden">{name}</span>
              </Button>,
            ],
          };
        })}
      />
    </div>
  );
}

/** What can be done with the solution that the map shows in place of the optimum. */
function ShownActions({ state, pending }: { state: PanelState; pending: boolean }) {
  const shown = shownAlternative.value;
  if (shown === null) return null;
  const { alternative } = shown;
  return (
    <>
      <div class="explore-actions" role="group" aria-label={l10n.t('The solution that is shown')}>
        <Button
          icon="pinned"
          disabled={pending}
          onClick={() => {
            perform(setRules, { rules: pinsOf(alternative) });
          }}
        >
          {l10n.t('Pin every layer to it')}
        </Button>
        {state.kind === 'search' && (
          <Button
            disabled={pending}
            onClick={() => {
              perform(keep, { alternative });
            }}
          >
            {l10n.t('Keep it')}
          </Button>
        )}
      </div>
      {state.kind === 'search' && (
        <p class="muted small">{l10n.t('Pinned in the spec, it is what the next search with it builds.')}</p>
      )}
    </>
  );
}

/** Rules that only one architecture meets. */
function pinsOf({ map }: Alternative): LayerRule[] {
  return map.layers.flatMap(({ attention, ffn }, layer) => [
    { layer, half: 'attention' as const, pin: attention.name },
    { layer, half: 'ffn' as const, pin: ffn.name },
  ]);
}
