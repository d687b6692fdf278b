import type { MetricName } from '../../src/protocol/solution.js';
import { bytes, count, duration, tokensPerSecond } from '../ui/format.js';

/** How a metric is called, and how its base units are written. */
interface MetricWords {
  name: string;
  text: (value: number) => string;
}

export const METRIC_WORDS: Readonly<Record<MetricName, MetricWords>> = {
  throughput: { name: 'Throughput', text: tokensPerSecond },
  generatedThroughput: { name: 'Generated throughput', text: tokensPerSecond },
  memory: { name: 'Memory', text: bytes },
  latency: { name: 'Latency', text: duration },
  timeToFirstToken: { name: 'Time to first token', text: duration },
  timePerOutputToken: { name: 'Time per output token', text: duration },
  parameters: { name: 'Parameters', text: count },
  kvCache: { name: 'KV cache', text: bytes },
};
