import type { AttentionShape, FfnShape } from '../formats/hf-config.js';
import { ggufPairProblem, ggufVariantProblem } from '../model/gguf-shapes.js';
import type { Half } from '../model/names.js';
import type { LayerVariants } from '../model/variants.js';
import type { StoredAs } from './table.js';

/** An engine that cannot run every architecture; undefined where it can. */
export type ChoosyEngine = StoredAs['engine'];

/** A choice of a layer that an engine cannot run, by the names of its variants, and why. */
export interface ExcludedPair {
  attention: string;
  ffn: string;
  why: string;
}

/** Why an engine cannot run a variant, whatever the other half is. */
export function variantProblem(engine: ChoosyEngine, half: Half, shape: AttentionShape | FfnShape): string | undefined {
  return engine === undefined ? undefined : ggufVariantProblem(half, shape);
}

/** The choices of a layer that an engine cannot run. */
export function excludedPairs(engine: ChoosyEngine, { attention, ffn }: LayerVariants): ExcludedPair[] {
  if (engine === undefined) return [];
  return attention.flatMap((a) =>
    ffn.flatMap((f): ExcludedPair[] => {
      const why = ggufVariantProblem('ffn', f.shape) ?? ggufPairProblem({ attention: a.shape, ffn: f.shape });
      return why === undefined ? [] : [{ attention: a.name, ffn: f.name, why }];
    }),
  );
}

/** Why some choices of a space cannot be run, each reason once. */
export function excludedReasons(engine: ChoosyEngine, variants: readonly LayerVariants[]): string[] {
  return [...new Set(variants.flatMap((layer) => excludedPairs(engine, layer).map(({ why }) => why)))];
}

/**
 * What keeps a variant out of solutions, in words: by itself, or beside which variants of the other half. Null where nothing
 * does. `others` is how many variants the other half has.
 */
export function exclusionText(
  excluded: readonly ExcludedPair[],
  { half, name, others }: { half: Half; name: string; others: number },
): string | null {
  const other = half === 'attention' ? 'ffn' : 'attention';
  const own = excluded.filter((pair) => pair[half] === name);
  const reasons = [...new Set(own.map(({ why }) => why))];
  if (reasons.length === 0) return null;
  if (own.length === others) return reasons.join('; ');
  const beside = (reason: string) => own.filter(({ why }) => why === reason).map((pair) => pair[other]);
  return reasons.map((reason) => `not with ${beside(reason).join(', ')}: ${reason}`).join('; ');
}
