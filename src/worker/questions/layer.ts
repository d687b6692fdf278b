import { InputError } from '../../common/errors.js';
import type { LayerShape, ModelConfig } from '../../formats/hf-config.js';
import { describeModel } from '../../model/config-map.js';
import { type Half, HALVES } from '../../model/names.js';
import type { LayerDetail, VariantView } from '../../protocol/solution.js';
import type { StoredRun } from '../../search/stored-library.js';
import type { Variant } from '../../model/variants.js';
import { exclusionText, variantProblem } from '../../target/excluded.js';
import { tableRow } from '../../target/table.js';
import { knownRun } from './runs.js';

/** Everything known about the variants of one layer of a run, as far as the run has come. */
export async function answerLayer({ run, layer }: { run: string; layer: number }): Promise<LayerDetail> {
  const stored = await knownRun(run);
  const own = stored.parent.layers[layer];
  if (own === undefined) {
    throw new InputError(`there is no layer ${layer}; the parent has ${stored.parent.layers.length}`, run);
  }
  const [attention, ffn] = HALVES.map((half) => variantViews(stored, layer, own, half));
  return { layer, attention: attention ?? [], ffn: ffn ?? [] };
}

function variantViews(run: StoredRun, layer: number, own: LayerShape, half: Half): VariantView[] {
  const { parent, variants, trained, scores, costs } = run;
  const ofHalf = variants[layer]?.[half] ?? [];
  const priced = costs?.layers[layer];
  const others = priced?.[half === 'attention' ? 'ffn' : 'attention'].length ?? 0;
  // A model whose layers are this one, each with another variant: its map says of each what the map of a child would.
  const layers = ofHalf.map(({ shape }): LayerShape => ({ ...own, [half]: shape }));
  const { layers: maps } = describeModel({ ...parent, layers: layers.map(() => own) }, layers);
  return ofHalf.flatMap((variant, index): VariantView[] => {
    const map = maps[index]?.[half];
    if (map === undefined) return [];
    const { name } = variant;
    const losses = trained?.find((one) => one.layer === layer && one.half === half && one.variant === name);
    const score = (Object.hasOwn(scores?.[layer]?.[half] ?? {}, name) ? scores?.[layer]?.[half][name] : null) ?? null;
    return [
      {
        ...map,
        lossBefore: losses?.lossBefore ?? null,
        loss: losses?.lossAfter ?? null,
        score,
        // Once this space is measured, which comes after the scores, every variant that is of use has one.
        failed: scores !== undefined && costs !== undefined && score === null,
        excluded: exclusionText(priced?.excluded ?? [], { half, name, others }),
        memory: priced?.[half][index]?.memory ?? null,
        ...secondsOf(costs, parent, variant),
      },
    ];
  });
}

/** Of the whole workload: one prefill, and all decode steps together; null where they are not known. */
function secondsOf(
  costs: StoredRun['costs'],
  parent: ModelConfig,
  variant: Variant,
): Pick<VariantView, 'prefillSeconds' | 'decodeSeconds'> {
  if (costs === undefined || variantProblem(costs.table.engine, variant.half, variant.shape) !== undefined) {
    return { prefillSeconds: null, decodeSeconds: null };
  }
  const { prefillSeconds, decodeSeconds } = tableRow(costs.table, parent, variant);
  return { prefillSeconds, decodeSeconds: decodeSeconds * costs.workload.generated };
}
