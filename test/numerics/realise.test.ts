import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { LayerShape } from '../../src/formats/hf-config.js';
import { writeSafetensors } from '../../src/formats/safetensors-write.js';
import { layerTensor } from '../../src/model/names.js';
import { HiddenWriter } from '../../src/search/hidden-file.js';
import { type Realised, realiseTask, type RealisePayload } from '../../src/search/interactions/realise.js';
import { subblockTensors } from '../../src/model/tensors.js';
import { EXAMPLE_VOCABULARY, temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { referenceForward, referenceKl } from '../support/reference.js';
import { randomIds, randomWeights, tinyConfig } from '../support/tiny-model.js';

const SEQUENCE = 6;
const SEQUENCES = 4;
/** Float32 against float64, through a KL whose terms cancel. */
const TOLERANCE = 2e-5;
/** The same with hidden states that were stored as F16. */
const STORED_TOLERANCE = 5e-3;

const gqa = (kvHeads: number) => ({ kind: 'gqa', kvHeads }) as const;
const gated = { kind: 'gated', width: 40 } as const;
const PARENT = tinyConfig({
  vocabSize: EXAMPLE_VOCABULARY,
  layers: Array.from({ length: 3 }, () => ({ attention: gqa(2), ffn: gated })),
});
/** Layer 1 has one KV head from the library, layer 2 no FFN. */
const CHILD: LayerShape[] = [
  { attention: gqa(2), ffn: gated },
  { attention: gqa(1), ffn: gated },
  { attention: gqa(2), ffn: { kind: 'no-op' } },
];

describe('the KL of an architecture that nobody assembled', () => {
  it('is that of the reference, from the embedding on and from stored activations', async (t) => {
    const dir = await temporaryFolder(t);
    const weights = randomWeights(PARENT);
    await writeModelFolder(dir, PARENT, weights);
    const ids = randomIds(PARENT, SEQUENCE * SEQUENCES);
    await writeFile(join(dir, 'tokens.i32'), new Uint8Array(Int32Array.from(ids).buffer));

    const childConfig = { ...PARENT, layers: CHILD };
    const trained = randomWeights(childConfig, 2);
    const variant = join(dir, 'variant.safetensors');
    const tensors = subblockTensors(PARENT, 'attention', gqa(1));
    const dataOf = (name: string) => trained.get(layerTensor(1, name)) ?? new Float32Array();
    await writeSafetensors(
      variant,
      tensors.map(({ name, shape }) => ({ name, shape, dtype: 'F32' as const, data: () => dataOf(name) })),
    );
    const childWeights = new Map(weights);
    for (const { name } of tensors) childWeights.set(layerTensor(1, name), dataOf(name));

    const sequences = Array.from({ length: SEQUENCES }, (_, i) => ids.slice(i * SEQUENCE, (i + 1) * SEQUENCE));
    const parents = sequences.map((sequence) => referenceForward(PARENT, weights, sequence));
    const expected = sequences.map((sequence, i) => {
      const child = referenceForward(childConfig, childWeights, sequence);
      return referenceKl(parents[i]?.logits ?? [], child.logits).reduce((a, b) => a + b, 0) / SEQUENCE;
    });

    const own = (layer: LayerShape) => ({
      attention: { shape: layer.attention, library: undefined },
      ffn: { shape: layer.ffn, library: undefined },
    });
    const [first, second, third] = CHILD.map(own);
    assert.ok(first && second && third);
    const payload: RealisePayload = {
      parentDir: dir,
      layers: [
        first,
        { ...second, attention: { ...second.attention, library: { file: variant } } },
        { ...third, ffn: { ...third.ffn, library: { file: undefined } } },
      ],
      tokens: { file: join(dir, 'tokens.i32'), sequences: SEQUENCES, sequenceLength: SEQUENCE },
      ...{ first: 1, sequences: SEQUENCES - 1, start: undefined },
    };
    const realise = async (changes: Partial<RealisePayload>) => {
      const { result } = await realiseTask({ ...payload, ...changes }, { signal: new AbortController().signal });
      return (result as Realised).kl;
    };
    const far = (kl: readonly number[]) => Math.max(...kl.map((value, i) => Math.abs(value - (expected[i + 1] ?? 0))));
    const whole = await realise({});
    assert.equal(whole.length, SEQUENCES - 1);
    assert.ok(Math.min(...expected) > 0.01, 'the child differs from its parent');
    assert.ok(far(whole) < TOLERANCE, `off by ${far(whole)}`);

    const stored = async (name: string, layer: number) => {
      const file = join(dir, name);
      await using writer = await HiddenWriter.create(file);
      for (const { hidden } of parents) {
        await writer.append(Float32Array.from((hidden[layer] ?? []).flatMap((row) => [...row])));
      }
      return file;
    };
    const start = {
      ...{ layer: 1, half: 'attention' as const },
      inputFile: await stored('input.f16', 1),
      finalFile: await stored('final.f16', 3),
    };
    const fromStored = await realise({ start });
    assert.ok(far(fromStored) < STORED_TOLERANCE, `off by ${far(fromStored)}`);
  });
});
