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
      <h3 class="solver-heading">Pins and bans</h3>
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
              {`Take back: ${text}`}
            </Button>
          </li>
        ))}
      </ul>
    </>
  );
}

function decisionsOf(rule: LayerRule): Decision[] {
  const { layer, half, pin, ban = [] } = rule;
  const where = `layer ${layer} ${HALF_NAMES[half]}`;
  return [
    ...(pin === undefined ? [] : [{ icon: 'pinned', text: `${where} is ${pin}`, without: pinToggled(rule, pin) }]),
    ...ban.map((name) => ({ icon: 'circle-slash', text: `${where} is not ${name}`, without: banToggled(rule, name) })),
  ];
}
