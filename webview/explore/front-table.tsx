import * as l10n from '@vscode/l10n';
import type { FrontPoint } from '../../src/protocol/solution.js';
import { metricWords } from '../constraints/metrics.js';
import { Button } from '../ui/button.js';
import { DataTable } from '../ui/data-table.js';
import { NONE, significant } from '../ui/format.js';
import { TextButton } from '../ui/text-button.js';
import { type FrontAxis, firstLimits, firstOf, frontLines, pointAt, valueText } from './front-lines.js';

interface FrontTableProps {
  points: readonly FrontPoint[];
  axes: readonly FrontAxis[];
  unit: string;
  onUse: (point: FrontPoint) => void;
}

/** The points of a front: a row for each value of the first limit, a column for each of the second. */
export function FrontTable(props: FrontTableProps) {
  return props.axes.length === 1 ? <OneLimit {...props} /> : <TwoLimits {...props} />;
}

function OneLimit({ points, axes: [axis], unit, onUse }: FrontTableProps) {
  if (axis === undefined) return null;
  const { name, text } = metricWords(axis.range.metric);
  return (
    <DataTable
      caption={l10n.t('The least objective at each value of the limit')}
      columns={[
        { key: 'limit', title: name, numeric: true },
        { key: 'objective', title: l10n.t('objective, {0}', unit), numeric: true },
        { key: 'use', title: <span class="visually-hidden">{l10n.t('Actions')}</span> },
      ]}
      rows={points.map((point, index) => ({
        key: String(index),
        cells: [
          text(firstOf(point)),
          objectiveText(point),
          <Button
            key="use"
            onClick={() => {
              onUse(point);
            }}
          >
            {l10n.t('Use')} <span class="visually-hidden">{text(firstOf(point))}</span>
          </Button>,
        ],
      }))}
    />
  );
}

function TwoLimits({ points, axes, unit, onUse }: FrontTableProps) {
  const [first, second] = axes;
  if (first === undefined || second === undefined) return null;
  const lines = frontLines(points);
  const titles = lines.map((line) => valueText(second, line.second ?? 0));
  return (
    <DataTable
      caption={l10n.t(
        'The least objective, {0}, by {1} and {2}; a figure sets both limits',
        ...[unit, metricWords(first.range.metric).name, metricWords(second.range.metric).name],
      )}
      showCaption
      columns={[
        { key: 'first', title: metricWords(first.range.metric).name },
        ...titles.map((title, index) => ({ key: String(index), title, numeric: true })),
      ]}
      rows={firstLimits(lines).map((value) => ({
        key: String(value),
        cells: [
          valueText(first, value),
          ...lines.map((line, index) => {
            const point = pointAt(line, value);
            if (point === undefined) return NONE;
            return (
              <TextButton
                key={index}
                onClick={() => {
                  onUse(point);
                }}
              >
                {objectiveText(point)}
                <span class="visually-hidden">
                  {l10n.t('Use {0} and {1}', valueText(first, value), titles[index] ?? '')}
                </span>
              </TextButton>
            );
          }),
        ],
      }))}
    />
  );
}

function objectiveText({ status, objective }: FrontPoint): string {
  return status === 'optimal' ? significant(objective) : `≤ ${significant(objective)}`;
}
