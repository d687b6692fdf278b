import * as l10n from '@vscode/l10n';
import { useEffect, useRef, useState } from 'preact/hooks';
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
  const { run, spec, title, worker } = state;
  const condition: Condition = run?.state ?? 'none';
  return (
    <header class="header">
      <div class="header-line">
        <h1 class="header-title">{title}</h1>
        <p class="header-state">
          <Icon name={CONDITION_ICONS[condition]} class={`tone-${CONDITION_TONES[condition]}`} />
          {run === null ? l10n.t('Not started') : runText(run)}
          {worker.state === 'starting' && <span class="muted">· {l10n.t('the worker is starting')}</span>}
        </p>
        <Actions condition={condition} state={state} />
      </div>
      {run !== null && condition !== 'done' && condition !== 'cancelled' && (
        <progress
          class="bar header-bar"
          aria-label={l10n.t('Whole run: {0}', percent(run.progress))}
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
  // Whatever came of it, an action is no longer pending.
  useEffect(() => {
    setPending(null);
  }, [condition, state.error, failure.value]);
  const group = useRef<HTMLDivElement>(null);
  const focused = useRef(false);
  // The button that had the focus may be gone with the state that it was for.
  useEffect(() => {
    const lost = focused.current && document.activeElement === document.body;
    if (lost) group.current?.querySelector<HTMLElement>('vscode-button')?.focus();
  }, [condition]);
  const blocked = condition === 'none' && cannotStart(state);
  return (
    <div
      ref={group}
      class="header-actions"
      role="group"
      aria-label={l10n.t('Actions')}
      onFocusIn={() => {
        focused.current = true;
      }}
      onFocusOut={({ relatedTarget }) => {
        if (relatedTarget !== null) focused.current = false;
      }}
    >
      {RUN_ACTIONS[condition].map(({ action, text, icon, pending: waiting, asks, primary }) => (
        <Button
          key={action}
          icon={icon}
          appearance={primary ? 'primary' : 'secondary'}
          disabled={blocked}
          onClick={() => {
            // Not disabled meanwhile: it would lose the focus.
            if (pending === action) return;
            if (waiting !== undefined) setPending(action);
            perform(act, { action }, () => {
              // The user may have thought better of it: the run stays as it was.
              if (!asks) setPending((present) => (present === action ? null : present));
            });
          }}
        >
          {pending === action ? waiting : text}
        </Button>
      ))}
      <IconAction action="openSpec" icon="go-to-file" text={l10n.t('Open the spec')} />
      <IconAction action="showLog" icon="output" text={l10n.t('Show log')} />
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
