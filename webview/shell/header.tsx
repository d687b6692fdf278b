import { useEffect, useState } from 'preact/hooks';
import { act, type PanelState } from '../../src/protocol/panel.js';
import type { PanelAction } from '../../src/protocol/panel.js';
import { headlineFigures } from '../comparison/headline.js';
import { runText } from '../progress/progress-text.js';
import { failure, perform } from '../state/store.js';
import { Button } from '../ui/button.js';
import { percent } from '../ui/format.js';
import { Icon } from '../ui/icon.js';
import { CONDITION_ICONS, CONDITION_TONES, RUN_ACTIONS, type Condition } from './run-actions.js';
import './header.css';

/** What this is, how it stands, and what can be done with it now. */
export function Header({ state }: { state: PanelState }) {
  const { run, spec, title } = state;
  const condition: Condition = run?.state ?? 'none';
  return (
    <header class="header">
      <div class="header-line">
        <h1 class="header-title">{title}</h1>
        <p class="header-state">
          <Icon name={CONDITION_ICONS[condition]} class={`tone-${CONDITION_TONES[condition]}`} />
          {run === null ? 'Not started' : runText(run)}
        </p>
        <Actions condition={condition} state={state} />
      </div>
      {run !== null && condition !== 'done' && condition !== 'cancelled' && (
        <progress
          class="bar header-bar"
          aria-label={`Whole run: ${percent(run.progress)}`}
          max={1}
          value={run.progress}
        />
      )}
      {condition === 'done' && <Headline state={state} />}
      {spec !== null && condition !== 'done' && (
        <p class="header-spec muted small">
          {spec.name}: {spec.target}
        </p>
      )}
    </header>
  );
}

function Actions({ condition, state }: { condition: Condition; state: PanelState }) {
  const [pending, setPending] = useState<PanelAction | null>(null);
  // Whatever comes of it, an action is no longer pending.
  useEffect(() => {
    setPending(null);
  }, [condition, state.error, failure.value]);
  const blocked = condition === 'none' && cannotStart(state);
  return (
    <div class="header-actions" role="group" aria-label="Actions">
      {RUN_ACTIONS[condition].map(({ action, text, icon, pending: waiting, primary }) => (
        <Button
          key={action}
          icon={icon}
          appearance={primary ? 'primary' : 'secondary'}
          disabled={pending !== null || blocked}
          onClick={() => {
            if (waiting !== undefined) setPending(action);
            perform(act, { action });
          }}
        >
          {pending === action ? waiting : text}
        </Button>
      ))}
      <IconAction action="openSpec" icon="go-to-file" text="Open the spec" />
      <IconAction action="showLog" icon="output" text="Show log" />
    </div>
  );
}

function IconAction({ action, icon, text }: { action: PanelAction; icon: string; text: string }) {
  return (
    <Button
      appearance="icon"
      icon={icon}
      onClick={() => {
        perform(act, { action });
      }}
    >
      {text}
    </Button>
  );
}

function cannotStart({ spec, preflight }: PanelState): boolean {
  return spec === null || spec.problem !== null || (preflight?.some(({ status }) => status === 'failed') ?? false);
}

function Headline({ state: { comparison } }: { state: PanelState }) {
  if (comparison === null) return null;
  return (
    <dl class="headline">
      {headlineFigures(comparison).map(({ name, value, detail }) => (
        <div key={name} class="headline-figure">
          <dt>{name}</dt>
          <dd>
            <span class="headline-value">{value}</span>
            {detail !== null && <span class="muted small"> {detail}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
