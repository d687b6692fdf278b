import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limitText, type Metric, parseConstraint, parseConstraints } from '../../src/search/constraints.js';
import { libraryFront } from '../../src/search/explore.js';
import { solveLibrary } from '../../src/search/solve.js';
import { library } from '../support/scored-library.js';

/** Texts of a limit, by metric, whose side and unit those of a point have. */
const USUAL: Partial<Record<Metric, string>> = {
  throughput: '>= 1 tokens/s',
  latency: '<= 1 s',
  memory: '<= 1 B',
  timePerOutputToken: '<= 1 s',
};

describe('the front of a library', () => {
  const cases: { metrics: Metric[]; limits: Record<string, string>; usual?: typeof USUAL }[] = [
    { metrics: ['throughput'], limits: { throughput: '>= 1.25x' } },
    { metrics: ['throughput'], limits: {} },
    { metrics: ['latency', 'memory'], limits: { latency: '<= 3 s' } },
    { metrics: ['memory', 'timePerOutputToken'], limits: {} },
    // The other side of the cost is widened, not narrowed.
    { metrics: ['throughput'], limits: { throughput: '<= 1.2x' }, usual: { throughput: '<= 1 tokens/s' } },
  ];
  for (const margin of [0, 0.05, 0.3]) {
    it(`has limits that give its points when they are solved, with a margin of ${margin}`, async () => {
      for (const { metrics, limits, usual = USUAL } of cases) {
        const requirements = { constraints: parseConstraints(limits), margin };
        const points = await libraryFront(library, requirements, metrics, 6);
        assert.ok(points.length >= 6, `${points.length} points`);
        for (const point of points) {
          const constraints = metrics.map((metric) => {
            const constraint = parseConstraint(metric, usual[metric] ?? '', 'limits');
            return { ...constraint, value: point.limits[metric] ?? NaN };
          });
          const { objective } = await solveLibrary(library, { constraints, margin });
          const texts = constraints.map((constraint) => limitText(constraint)).join(', ');
          assert.ok(Math.abs(objective - point.objective) < 1e-9, `${texts}: ${objective}, not ${point.objective}`);
        }
      }
    });
  }
});
