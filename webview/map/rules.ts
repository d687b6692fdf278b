import type { LayerRule } from '../../src/protocol/solution.js';
import type { Half } from './rows.js';

/** What the user has decided about one half of a layer; nothing, where there is no rule. */
export function ruleOf(rules: readonly LayerRule[], layer: number, half: Half): LayerRule {
  return rules.find((rule) => rule.layer === layer && rule.half === half) ?? { layer, half };
}

/** The rule once the pin of `variant` is set or, where it is set, taken back. A pin leaves nothing to ban. */
export function pinToggled({ layer, half, pin }: LayerRule, variant: string): LayerRule {
  return pin === variant ? { layer, half } : { layer, half, pin: variant };
}

/** The rule once the ban of `variant` is set or, where it is set, taken back. A ban takes a pin back. */
export function banToggled({ layer, half, ban = [] }: LayerRule, variant: string): LayerRule {
  const banned = ban.includes(variant) ? ban.filter((name) => name !== variant) : [...ban, variant];
  return banned.length === 0 ? { layer, half } : { layer, half, ban: banned };
}
