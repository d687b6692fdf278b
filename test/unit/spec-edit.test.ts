import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { applyEdits } from 'jsonc-parser';
import fc from 'fast-check';
import { Random } from '../../src/common/random.js';
import type { Metric } from '../../src/search/constraints.js';
import { editBetween } from '../../src/search/json-edit.js';
import type { LayerRule } from '../../src/search/rules.js';
import { parseSpec } from '../../src/search/spec.js';
import { limitEdits, limitsEdits, ruleEdits, rulesEdits } from '../../src/search/spec-edit.js';
import { readJsonText } from '../../src/search/spec-text.js';

const withLimit = (text: string, metric: Metric, limit: string | null) =>
  applyEdits(text, limitEdits(text, metric, limit));
const withRule = (text: string, rule: LayerRule) => applyEdits(text, ruleEdits(text, rule));

const SPEC = `{
  // Where it came from.
  "parent": "p",
  "data": { "text": "t" },
  "limits": {
    "throughput": ">= 2x", // twice
    "memory": "<= 60%" // what the box has
    /* none else */
  },
  "rules": [
    // The first layer matters.
    { "layer": 0, "half": "attention", "pin": "kv4" }, // always
    { "layer": 3, "half": "ffn", "ban": ["no-op", /* nor */ "linear"] }
  ]
}
`;

describe('an edit of a limit', () => {
  it('changes its text alone', () => {
    assert.equal(withLimit(SPEC, 'memory', '<= 55%'), SPEC.replace('60%', '55%'));
    assert.deepEqual(
      limitEdits(SPEC, 'memory', '<= 65%'),
      [{ offset: SPEC.indexOf('0%'), length: 1, content: '5' }].map((edit) => ({
        ...edit,
        offset: SPEC.indexOf('60%') + 1,
      })),
    );
    assert.deepEqual(limitEdits(SPEC, 'memory', '<= 60%'), []);
  });

  it('adds one on a line of its own behind the others and what is said about them', () => {
    const added = `"memory": "<= 60%", // what the box has\n    "latency": "<= 1.5 s"\n    /* none else */`;
    assert.ok(withLimit(SPEC, 'latency', '<= 1.5 s').includes(added));
  });

  it('removes one with its line, and the comma that has nothing to part any more', () => {
    assert.ok(
      withLimit(SPEC, 'memory', null).includes(
        `"throughput": ">= 2x" // twice\n    // what the box has\n    /* none else */\n  }`,
      ),
    );
    assert.ok(withLimit(SPEC, 'throughput', null).includes(`"limits": {\n    // twice\n    "memory": "<= 60%"`));
    assert.equal(withLimit(SPEC, 'kvCache', null), SPEC);
  });

  it('keeps to one line what is in one line', () => {
    const one = (limits: string) => `{ "parent": "p", "data": { "text": "t" }, "limits": ${limits} }`;
    assert.equal(withLimit(one('{}'), 'memory', '<= 5%'), one('{ "memory": "<= 5%" }'));
    assert.equal(
      withLimit(one('{ "kvCache": "<= 1x" }'), 'memory', '<= 5%'),
      one('{ "kvCache": "<= 1x", "memory": "<= 5%" }'),
    );
    assert.equal(
      withLimit(one('{ "kvCache": "<= 1x", }'), 'memory', '<= 5%'),
      one('{ "kvCache": "<= 1x", "memory": "<= 5%", }'),
    );
    assert.equal(
      withLimit(one('{ "kvCache": "<= 1x", "memory": "<= 5%" }'), 'memory', null),
      one('{ "kvCache": "<= 1x" }'),
    );
    assert.equal(
      withLimit(one('{ "memory": "<= 5%", "kvCache": "<= 1x" }'), 'memory', null),
      one('{ "kvCache": "<= 1x" }'),
    );
    assert.equal(withLimit(one('{ "memory": "<= 5%" }'), 'memory', null), one('{}'));
  });

  it('makes the field where there is none, with the line ends of the text', () => {
    const bare = '{\r\n\t"parent": "p", // p\r\n\t"data": { "text": "t" },\r\n}\r\n';
    assert.equal(
      withLimit(bare, 'throughput', '>= 2x'),
      '{\r\n\t"parent": "p", // p\r\n\t"data": { "text": "t" },\r\n\t"limits": { "throughput": ">= 2x" },\r\n}\r\n',
    );
    assert.equal(
      withLimit('{\n  // nothing yet\n}', 'memory', '<= 5%'),
      '{\n  // nothing yet\n  "limits": { "memory": "<= 5%" }\n}',
    );
  });

  it('finds the limit by the name that the text has for it', () => {
    const spec = '{ "limits": { "kv": "<= 50%", "Memory": "<= 1 GiB" } }';
    assert.equal(withLimit(spec, 'kvCache', '<= 40%'), spec.replace('50%', '40%'));
    assert.equal(withLimit(spec, 'memory', null), '{ "limits": { "kv": "<= 50%" } }');
  });

  it('is refused for a limit that is not understood, and while the text is no JSON', () => {
    assert.throws(() => limitEdits(SPEC, 'memory', '60%'), /limits\.memory: "60%" is not understood/);
    for (const [text, why] of [
      ['{ "limits": { "memory": } }', 'line 1 is not valid JSON: value expected'],
      ['{\n "limits": {', 'line 2 is not valid JSON: close brace expected'],
      ['', 'line 1 is not valid JSON: value expected'],
      ['[]', 'it is not { }'],
      ['{ "limits": [] }', 'limits is not { }'],
      ['{ "seed": 1,\n "seed": 2 }', 'line 2 "seed" is there twice; keep one'],
    ] as const) {
      assert.throws(() => limitEdits(text, 'memory', '<= 60%'), {
        name: 'InputError',
        message: `the spec: cannot be changed: ${why}; correct the text first`,
      });
    }
  });
});

describe('an edit of several limits', () => {
  it('changes and adds what it names, in one piece that undo takes back at once', () => {
    const edits = limitsEdits(SPEC, [
      ['throughput', '>= 3x'],
      ['latency', '<= 50%'],
    ]);
    assert.equal(edits.length, 1);
    const each = withLimit(withLimit(SPEC, 'throughput', '>= 3x'), 'latency', '<= 50%');
    assert.equal(applyEdits(SPEC, edits), each);
    assert.deepEqual(limitsEdits(SPEC, [['memory', '<= 60%']]), []);
    assert.throws(() => limitsEdits(SPEC, [['memory', 'little']]), /"little" is not understood/);
  });
});

describe('an edit of all rules', () => {
  const rules: LayerRule[] = [
    { layer: 0, half: 'attention', pin: 'kv1' },
    { layer: 0, half: 'ffn', pin: 'ffn-50%' },
  ];
  const lines = `"rules": [
    { "layer": 0, "half": "attention", "pin": "kv1" },
    { "layer": 0, "half": "ffn", "pin": "ffn-50%" }
  ]`;
  const withRules = (text: string, all: readonly LayerRule[]) => applyEdits(text, rulesEdits(text, all));

  it('writes one a line, in place of those that were or where there were none', () => {
    const [before = '', after = ''] = SPEC.split(/"rules": \[[^]*?\n {2}\]/);
    assert.equal(withRules(SPEC, rules), `${before}${lines}${after}`);
    assert.equal(withRules('{\n  "seed": 1\n}', rules), `{\n  "seed": 1,\n  ${lines}\n}`);
    assert.deepEqual(rulesEdits(withRules(SPEC, rules), rules), []);
  });

  it('takes all of them out, and leaves the rest', () => {
    assert.equal(withRules(`{\n  "seed": 1,\n  ${lines}\n}`, []), '{\n  "seed": 1\n}');
    assert.throws(() => rulesEdits('{', rules), /correct the text first/);
  });
});

describe('an edit of a rule', () => {
  it('changes the decision about a half, and nothing beside it', () => {
    assert.equal(withRule(SPEC, { layer: 0, half: 'attention', pin: 'kv2' }), SPEC.replace('kv4', 'kv2'));
    assert.equal(
      withRule(SPEC, { layer: 0, half: 'attention', ban: ['no-op'] }),
      SPEC.replace('"pin": "kv4"', '"ban": ["no-op"]'),
    );
    assert.equal(
      withRule(SPEC, { layer: 3, half: 'ffn', pin: 'ffn-50%' }),
      SPEC.replace('"ban": ["no-op", /* nor */ "linear"]', '"pin": "ffn-50%"'),
    );
    assert.deepEqual(ruleEdits(SPEC, { layer: 3, half: 'ffn', ban: ['no-op', 'linear'] }), []);
  });

  it('adds one behind the others, and the list where there is none', () => {
    const rule = { layer: 3, half: 'attention', pin: 'kv1' } as const;
    const text = '{ "layer": 3, "half": "attention", "pin": "kv1" }';
    assert.ok(withRule(SPEC, rule).includes(`"linear"] },\n    ${text}\n  ]`));
    assert.equal(withRule('{\n  "seed": 1\n}', rule), `{\n  "seed": 1,\n  "rules": [${text}]\n}`);
    assert.equal(withRule('{\n  "rules": []\n}', rule), `{\n  "rules": [${text}]\n}`);
    assert.equal(withRule('{\n  "rules": [\n  ]\n}', rule), `{\n  "rules": [\n    ${text}\n  ]\n}`);
  });

  it('takes a decision back, wherever it is written', () => {
    const free = withRule(SPEC, { layer: 0, half: 'attention' });
    assert.ok(free.includes('    // The first layer matters.\n    // always\n    { "layer": 3,'));
    assert.match(withRule(free, { layer: 3, half: 'ffn', ban: [] }), /"rules": \[\n.*matters\.\n.*always\n {2}\]\n/);
    const twice =
      '{ "rules": [{ "layer": 1, "half": "ffn", "ban": ["a"] }, { "layer": 1, "half": "ffn", "ban": ["b"] }] }';
    assert.equal(withRule(twice, { layer: 1, half: 'ffn' }), '{ "rules": [] }');
    assert.equal(
      withRule(twice, { layer: 1, half: 'ffn', pin: 'c' }),
      '{ "rules": [{ "layer": 1, "half": "ffn", "pin": "c" }] }',
    );
    assert.deepEqual(ruleEdits(SPEC, { layer: 7, half: 'ffn' }), []);
  });

  it('of the example is taken back without a trace', async () => {
    const example = await readFile(new URL('../../examples/stories.puzzle.json', import.meta.url), 'utf8');
    const rule = { layer: 2, half: 'ffn', pin: 'linear' } as const;
    const pinned = withRule(example, rule);
    assert.deepEqual(parseSpec(pinned, '').rules, [rule]);
    assert.deepEqual(parseSpec(withRule(pinned, { layer: 2, half: 'ffn' }), ''), parseSpec(example, ''));
    assert.equal(withLimit(withLimit(example, 'memory', '<= 60%'), 'memory', null), example);
  });
});

/** JSON with as many comments, line breaks and trailing commas as there may be. Comments are numbered. */
function scribbled(value: unknown, random: Random, eol: string): string {
  let comments = 0;
  const trivia = (): string => {
    switch (random.below(9)) {
      case 0:
        return ` /* c${++comments} , } */`;
      case 1:
        return ` // c${++comments} , ]${eol}  `;
      case 2:
        return `${eol}    `;
      case 3:
      case 4:
        return ' ';
      default:
        return '';
    }
  };
  const list = (open: string, items: string[], close: string): string => {
    const comma = items.length > 0 && random.below(3) === 0 ? `,${trivia()}` : '';
    return `${open}${trivia()}${items.join(`,${trivia()}`)}${comma}${close}`;
  };
  const print = (value: unknown): string => {
    if (Array.isArray(value)) {
      return list(
        '[',
        value.map((item) => `${print(item)}${trivia()}`),
        ']',
      );
    }
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    // Rules and limits that go take along what is said inside of them.
    if ('layer' in value) return JSON.stringify(value);
    const members = Object.entries(value).map(([name, member]) => {
      const colon = /^"[<>]=/.test(JSON.stringify(member)) ? ':' : `${trivia()}:${trivia()}`;
      return `${JSON.stringify(name)}${colon}${print(member)}${trivia()}`;
    });
    return list('{', members, '}');
  };
  return `${trivia()}${print(value)}${trivia()}`;
}

describe('the edit between two texts', () => {
  it('is the part that differs, and never parts a line end or a character', () => {
    assert.deepEqual(editBetween('abcd', 'abXd'), [{ offset: 2, length: 1, content: 'X' }]);
    assert.deepEqual(editBetween('aa', 'aaa'), [{ offset: 2, length: 0, content: 'a' }]);
    assert.deepEqual(editBetween('a\r\nb', 'a\nb'), [{ offset: 1, length: 2, content: '\n' }]);
    assert.deepEqual(editBetween('"😀"', '"😁"'), [{ offset: 1, length: 2, content: '😁' }]);
    assert.deepEqual(editBetween('same', 'same'), []);
  });
});

describe('any edit', () => {
  const limit = fc.constantFrom('<= 60%', '>= 2x', '>= 0.5x');
  const limits = fc.dictionary(fc.constantFrom('throughput', 'memory', 'parameters'), limit, { maxKeys: 3 });
  const half = fc.constantFrom('attention' as const, 'ffn' as const);
  const name = fc.constantFrom('kv1', 'no-op', 'ffn-50%');
  const layer = fc.integer({ min: 0, max: 2 });
  const rule: fc.Arbitrary<LayerRule> = fc.oneof(
    fc.record({ layer, half, pin: name }),
    fc.record({ layer, half, ban: fc.uniqueArray(name, { minLength: 1 }) }),
  );
  const rules = fc.uniqueArray(rule, { maxLength: 3, selector: ({ layer, half }) => `${layer} ${half}` });
  const spec = fc.record({ parent: fc.constant('p'), limits, rules, seed: fc.nat() }, { requiredKeys: ['parent'] });
  const text = fc
    .tuple(spec, fc.nat(), fc.constantFrom('\n', '\r\n'))
    .map(([spec, seed, eol]) => ({ spec, text: scribbled(spec, Random.of(seed, 'scribbles'), eol) }));
  const commentsIn = (text: string) => [...text.matchAll(/c(\d+) , [}\]]/g)].map(([, i]) => Number(i));
  const check = (before: { text: string }, after: string, intended: object) => {
    const { json, problems } = readJsonText(after);
    assert.deepEqual(problems, [], after);
    assert.deepEqual(JSON.parse(JSON.stringify(json)), JSON.parse(JSON.stringify(intended)), after);
    assert.deepEqual(commentsIn(after), commentsIn(before.text), `${before.text}\nbecame\n${after}`);
    if (!before.text.includes('\r')) assert.ok(!after.includes('\r'));
  };

  it('of a limit says what was intended, and keeps every comment', () => {
    const metric = fc.constantFrom<Metric>('throughput', 'memory', 'kvCache');
    fc.assert(
      fc.property(text, metric, fc.option(limit), (before, metric, value) => {
        const limits = Object.fromEntries(Object.entries(before.spec.limits ?? {}).filter(([name]) => name !== metric));
        const isThere = before.spec.limits !== undefined;
        const intended = { ...limits, ...(value === null ? {} : { [metric]: value }) };
        const after = withLimit(before.text, metric, value);
        check(before, after, { ...before.spec, ...(isThere || value !== null ? { limits: intended } : {}) });
      }),
      { numRuns: 2000 },
    );
  });

  it('of a rule says what was intended, and keeps every comment', () => {
    const decision: fc.Arbitrary<LayerRule> = fc.oneof(rule, fc.record({ layer, half }));
    fc.assert(
      fc.property(text, decision, (before, rule) => {
        const old = before.spec.rules ?? [];
        const at = old.findIndex(({ layer, half }) => layer === rule.layer && half === rule.half);
        const isDecided = rule.pin !== undefined || rule.ban !== undefined;
        const intended = at < 0 ? [...old, rule] : old.with(at, rule);
        const rules = isDecided ? intended : old.filter((_, i) => i !== at);
        const isThere = before.spec.rules !== undefined || isDecided;
        const after = withRule(before.text, rule);
        check(before, after, { ...before.spec, ...(isThere ? { rules } : {}) });
      }),
      { numRuns: 2000 },
    );
  });
});
