import * as l10n from '@vscode/l10n';
import type { ComparedModel, Comparison } from '../../src/protocol/panel.js';
import { percent, times } from '../ui/format.js';

interface Figure {
  name: string;
  value: string;
  /** The uncertainty of the value, or what it was worked out from. */
  detail: string | null;
}

/** What became of the parent, in the few figures that matter. Empty without a child. */
export function headlineFigures({ models }: Comparison): Figure[] {
  const [parent, child] = models;
  if (parent === undefined || child === undefined) return [];
  return [
    figure(l10n.t('parameters kept'), child.parameters / parent.parameters, percent, null),
    figure(l10n.t('memory kept'), child.memoryBytes / parent.memoryBytes, percent, null),
    throughput(parent, child),
    accuracy(parent, child),
  ].filter((item) => item !== null);
}

function figure(name: string, value: number, text: (value: number) => string, detail: string | null): Figure {
  return { name, value: text(value), detail };
}

function throughput(parent: ComparedModel, child: ComparedModel): Figure | null {
  if (child.speedup !== null) {
    const { median, low, high } = child.speedup;
    return figure(l10n.t('throughput, measured'), median, times, l10n.t('{0} to {1}', low.toFixed(2), high.toFixed(2)));
  }
  const [own, parents] = [child.predictedThroughput, parent.predictedThroughput];
  return own === null || parents === null ? null : figure(l10n.t('throughput, predicted'), own / parents, times, null);
}

function accuracy(parent: ComparedModel, child: ComparedModel): Figure | null {
  if (child.accuracy === null || parent.accuracy === null || parent.accuracy === 0) return null;
  const error = child.accuracyStandardError;
  const detail = error === null ? null : `± ${(100 * error).toFixed(1)}`;
  return figure(l10n.t('accuracy kept'), child.accuracy / parent.accuracy, percent, detail);
}
