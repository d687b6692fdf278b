import * as l10n from '@vscode/l10n';
import type { MetricName } from '../../src/protocol/solution.js';
import { bytes, count, duration, tokensPerSecond } from '../ui/format.js';

/** How a metric is called, and how its base units are written. */
interface MetricWords {
  name: string;
  text: (value: number) => string;
}

export const METRIC_WORDS: Readonly<Record<MetricName, MetricWords>> = {
  throughput: { name: l10n.t('Throughput'), text: tokensPerSecond },
  generatedThroughput: { name: l10n.t('Generated throughput'), text: tokensPerSecond },
  memory: { name: l10n.t('Memory'), text: bytes },
  latency: { name: l10n.t('Latency'), text: duration },
  timeToFirstToken: { name: l10n.t('Time to first token'), text: duration },
  timePerOutputToken: { name: l10n.t('Time per output token'), text: duration },
  parameters: { name: l10n.t('Parameters'), text: count },
  kvCache: { name: l10n.t('KV cache'), text: bytes },
};
