import * as l10n from '@vscode/l10n';
import { setRule } from '../../src/protocol/panel.js';
import type { LayerRule } from '../../src/protocol/solution.js';
import { banToggled, pinToggled } from '../map/rules.js';
import { HALF_NAMES } from '../map/summary.js';
import { perform } from '../state/store.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';

/** One decision of the user, and the rule that is left without it. */
interface Decision {
  icon: string;
  text: string;
  without: LayerRule;
}

/** What the user has pinned and banned; each can be taken back. */
export function RulesInForce({ rules }: { rules: readonly LayerRule[] }) {
  const decisions = rules.flatMap(decisionsOf);
  if (decisions.length === 0) return null;
  return (
    <>
      <h3 class="solver-heading">{l10n.t('Pins and bans')}</h3>
      <ul class="rules">
        {decisions.map(({ icon, text, without }) => (
          <li key={text}>
            <Icon name={icon} />
            <span>{text}</span>
            <Button
              appearance="icon"
              icon="close"
              onClick={() => {
                perform(setRule, without);
              }}
            >
              {l10n.t('Take back: {0}', text)}
            </Button>
          </li>
        ))}
      </ul>
    </>
  );
}

function decisionsOf(rule: LayerRule): Decision[] {
  const { layer, half, pin, ban = [] } = rule;
  const where = [layer, HALF_NAMES[half]] as const;
  return [
    ...(pin === undefined
      ? []
      : [{ icon: 'pinned', text: l10n.t('layer {0} {1} is {2}', ...where, pin), without: pinToggled(rule, pin) }]),
    ...ban.map((name) => ({
      icon: 'circle-slash',
      text: l10n.t('layer {0} {1} is not {2}', ...where, name),
      without: banToggled(rule, name),
    })),
  ];
}
