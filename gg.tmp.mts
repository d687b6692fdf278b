import { mkdtemp } from 'node:fs/promises';
import { writeModelFolder } from '/tmp/wt/gguf/test/support/model-folder.js';
import { tinyConfig, randomWeights, randomIds } from '/tmp/wt/gguf/test/support/tiny-model.js';
import { openModel } from '/tmp/wt/gguf/src/search/context.js';
import { writeModelGguf } from '/tmp/wt/gguf/src/search/export-gguf.js';
import { loadLlamaCpp } from '/tmp/wt/gguf/src/target/llama-cpp/addon.js';
import { LoadedModel } from '/tmp/wt/gguf/src/target/llama-cpp/loaded-model.js';
import { forward } from '/tmp/wt/gguf/src/model/forward.js';
import { input, logSoftmax } from '/tmp/wt/gguf/src/graph/primitives.js';
import { int64, Session } from '/tmp/wt/gguf/src/graph/session.js';
import { checkpointWeights } from '/tmp/wt/gguf/src/model/weights.js';
const addon = await loadLlamaCpp((l) => process.stderr.write(l));
const A = (k: any) => typeof k === 'number' ? { kind: 'gqa', kvHeads: k } : { kind: k };
const F = (k: any) => typeof k === 'number' ? { kind: 'gated', width: k } : { kind: k };
const cases: Record<string, [any, any][]> = {
  same: [[2, 40], [2, 40]], kv: [[4, 40], [1, 24]], 'no-attn mid': [[2, 40], ['no-op', 40], [1, 16]], 'no-attn last': [[2, 40], ['no-op', 40]],
  'linear': [[2, 40], ['linear', 24], [2, 40]], 'linear last': [[2, 40], ['linear', 24]], empty: [[2, 40], ['no-op', 'no-op'], [1, 40], ['no-op', 'no-op']],
  'no-attn first': [['no-op', 40], [2, 40]], 'linear first': [['linear', 40], [2, 40]], 'none': [['no-op', 40], ['no-op', 24]], 'empty first': [['no-op','no-op'], [2, 40],[1,8]],
};
for (const [name, layers] of Object.entries(cases)) for (const scaling of [null, { type: 'linear', factor: 4 }, { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 32 }] as any[]) {
  if (scaling && name !== 'kv') continue;
  const config = tinyConfig({ vocabSize: 1024, hiddenSize: 32, headDim: 8, ropeScaling: scaling, layers: layers.map(([a, f]) => ({ attention: A(a), ffn: F(f) })) as any });
  const dir = await mkdtemp('/tmp/ggt-');
  await writeModelFolder(dir, config, randomWeights(config));
  const model = await openModel(dir);
  await writeModelGguf(model, dir + '/m.gguf', { precision: 'f32' });
  const ids = randomIds(config, 40);
  try {
    const m = await LoadedModel.open(addon, { file: dir + '/m.gguf', sequences: 1, capacity: 64, threads: 1, exact: true });
    const rows = await m.logProbabilities(ids);
    const { logits } = forward({ config, batch: 1, sequence: ids.length }, checkpointWeights(model.checkpoint), input('ids', [ids.length], 'int64'));
    const s = await Session.create({ lp: logSoftmax(logits) }); const { lp } = await s.run({ ids: int64(ids, [ids.length]) });
    let d = 0; rows.forEach((r, i) => r.forEach((v, j) => { d = Math.max(d, Math.abs(v - Number(lp!.data[i * 1024 + j]))); }));
    console.log(name, scaling?.type, d); await m.close();
  } catch (e) { console.log(name, 'FAILED', String(e)); }
}
process.exit(0);
