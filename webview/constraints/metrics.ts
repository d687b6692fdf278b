import * as l10n from '@vscode/l10n';
import type { MetricName } from '../../src/protocol/solution.js';
import { bytes, count, duration, significant, tokensPerSecond } from '../ui/format.js';

/** How a metric is called, and how its base units are written. */
interface MetricWords {
  name: string;
  text: (value: number) => string;
}

const METRIC_WORDS: Readonly<Record<MetricName, MetricWords>> = {
  throughput: { name: l10n.t('Throughput'), text: tokensPerSecond },
  generatedThroughput: { name: l10n.t('Generated throughput'), text: tokensPerSecond },
  memory: { name: l10n.t('Memory'), text: bytes },
  latency: { name: l10n.t('Latency'), text: duration },
  timeToFirstToken: { name: l10n.t('Time to first token'), text: duration },
  timePerOutputToken: { name: l10n.t('Time per output token'), text: duration },
  parameters: { name: l10n.t('Parameters'), text: count },
  kvCache: { name: l10n.t('KV cache'), text: bytes },
};

/** A cost of a library made elsewhere is called what its file calls it, and counted in the file's own unit. */
export function metricWords(metric: string): MetricWords {
  const { [metric]: known } = METRIC_WORDS as Readonly<Record<string, MetricWords | undefined>>;
  return known ?? { name: metric, text: significant };
}
