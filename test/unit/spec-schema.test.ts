import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { limitPattern, METRICS, parseConstraint } from '../../src/search/constraints.js';
import { budgets } from '../../src/search/context.js';
import { parseSpec } from '../../src/search/spec.js';
import { specJsonSchema } from '../../src/search/spec-json-schema.js';
import { tinyConfig } from '../support/tiny-model.js';

interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  pattern?: string;
  examples?: unknown[];
  properties?: Record<string, Schema>;
  oneOf?: Schema[];
  anyOf?: Schema[];
  items?: Schema;
}

/** Every field of a schema by its name: `target.workload.batch`. */
function fieldsOf(schema: Schema, name = ''): [string, Schema][] {
  const below = [
    ...(schema.oneOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.items === undefined ? [] : [schema.items]),
  ];
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, field]): [string, Schema][] => {
    const full = name === '' ? key : `${name}.${key}`;
    return [[full, field], ...fieldsOf(field, full)];
  });
  return [...own, ...below.flatMap((alternative) => fieldsOf(alternative, name))];
}

const schema = specJsonSchema() as Schema;
const fields = new Map(fieldsOf(schema));
const understands = (metric: (typeof METRICS)[number], text: string): boolean => {
  try {
    parseConstraint(metric, text, '');
    return true;
  } catch {
    return false;
  }
};

describe('the JSON schema of a spec', () => {
  it('is the one in media/ (npm run schema)', async () => {
    const file = new URL('../../media/puzzle-spec.schema.json', import.meta.url);
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), JSON.parse(JSON.stringify(schema)));
  });

  it('describes every field', () => {
    assert.ok(fields.size > 45, `${fields.size} fields`);
    for (const [name, { description }] of fields) assert.match(description ?? '', /^[A-Z.].*\.$/s, name);
  });

  it('tells the defaults, those too that follow from the parent', () => {
    assert.deepEqual(fields.get('target.workload.batch')?.default, 32);
    assert.deepEqual(fields.get('uptrain.validateEvery')?.default, 100);
    const config = tinyConfig({ maxPositionEmbeddings: 4096 });
    const usual = budgets(parseSpec('{ "parent": "p", "data": { "text": "t" } }', ''), config);
    for (const [name, value] of [
      ['data.sequenceLength', usual.sequenceLength],
      ['distil.tokens', usual.distilTokens],
      ['distil.distinctTokens', usual.calibrationTokens],
      ['distil.batch', usual.distilBatch * usual.sequenceLength],
      ['score.tokens', usual.scoreTokens],
      ['uptrain.tokens', usual.uptrainTokens],
      ['uptrain.batch', usual.uptrainBatch * usual.sequenceLength],
      ['evaluate.tokens', usual.testTokens],
    ] as const) {
      const said = fields.get(name)?.description ?? '';
      assert.match(said, new RegExp(`Default: .*\\b${value.toLocaleString('en')}\\b`), name);
    }
  });

  it('knows the metrics by name, and the limits on each', () => {
    const limits = fields.get('limits')?.properties ?? {};
    assert.deepEqual(Object.keys(limits), [...METRICS]);
    for (const metric of METRICS) {
      const { examples = [], pattern = '' } = limits[metric] ?? {};
      assert.ok(examples.length >= 3);
      for (const example of examples) {
        assert.ok(understands(metric, String(example)), `${metric} ${String(example)}`);
        assert.match(String(example), new RegExp(pattern, 'u'));
      }
    }
  });

  it('takes for a limit what the program does', () => {
    const space = fc.constantFrom('', ' ', '  ');
    const sign = fc.constantFrom('<=', '>=', '≤', '≥', '<', '=');
    const digits = fc.constantFrom('1', '0', '60', '2.17', '0.05', '3e6', '1E-2', '.5', '1.', '1,5', '', '0.00');
    const unit = fc.constantFrom('', '%', 'x', 'X', 'KiB', 'mib', 'GB', 'b', 'tokens/s', 's', 'MS', 'K', 'm', 'parsec');
    const text = fc.tuple(space, sign, space, digits, space, unit, space).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.constantFrom(...METRICS), text, (metric, text) => {
        assert.equal(
          new RegExp(limitPattern(metric), 'u').test(text),
          understands(metric, text),
          `${metric} "${text}"`,
        );
      }),
      { numRuns: 3000 },
    );
  });
});
