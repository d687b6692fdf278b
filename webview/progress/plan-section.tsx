import * as l10n from '@vscode/l10n';
import { act } from '../../src/protocol/panel.js';
import type { PreflightItem } from '../../src/protocol/questions.js';
import { perform } from '../state/store.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { ProgressRing } from '../ui/progress-ring.js';
import { Section } from '../ui/section.js';
import { STAGE_TEXTS } from './stage-texts.js';
import './plan.css';

const STATUS_ICONS = { ok: 'pass', warning: 'warning', failed: 'error' } as const;
const STATUS_WORDS = {
  ok: l10n.t('ok'),
  warning: l10n.t('warning'),
  failed: l10n.t('must be put right'),
} as const;

/** Before there is a run: whether it can start here, and what it will do. */
export function PlanSection({ preflight }: { preflight: readonly PreflightItem[] | null }) {
  return (
    <div class="panel-row panel-row-even">
      <Section
        id="preflight"
        title={l10n.t('Before the search')}
        summary={preflightSummary(preflight)}
        actions={<CheckAgain />}
      >
        {preflight === null ? (
          <ProgressRing text={l10n.t('Looking at the parent, the text, the disk and the memory…')} />
        ) : (
          <ul class="preflight">
            {preflight.map((item) => (
              <PreflightRow key={item.name} item={item} />
            ))}
          </ul>
        )}
      </Section>
      <Section id="plan" title={l10n.t('What the search will do')}>
        <ol class="plan">
          {[...STAGE_TEXTS].map(([stage, text]) => (
            <li key={stage}>
              <span class="stage-name">{stage}</span>
              <span class="muted">{text}</span>
            </li>
          ))}
        </ol>
        <p class="plan-note muted">
          {l10n.t(
            'The search runs in a process of its own: it goes on when the panel or the window closes, and may be paused, stopped and taken up again at any time.',
          )}
        </p>
      </Section>
    </div>
  );
}

function CheckAgain() {
  return (
    <Button
      appearance="icon"
      icon="refresh"
      onClick={() => {
        perform(act, { action: 'preflight' });
      }}
    >
      {l10n.t('Check again')}
    </Button>
  );
}

function preflightSummary(preflight: readonly PreflightItem[] | null): string {
  if (preflight === null) return l10n.t('checking');
  const failed = preflight.filter(({ status }) => status === 'failed').length;
  const warnings = preflight.filter(({ status }) => status === 'warning').length;
  if (failed > 0) return l10n.t('{0} of {1} checks must be put right', failed, preflight.length);
  return warnings > 0 ? l10n.t('can start; worth a look: {0}', warnings) : l10n.t('all is there');
}

function PreflightRow({ item: { name, status, message, fix } }: { item: PreflightItem }) {
  return (
    <li class="preflight-item">
      <Icon name={STATUS_ICONS[status]} class={`tone-${status}`} />
      <span class="stage-name">
        {name}
        <span class="visually-hidden">: {STATUS_WORDS[status]}</span>
      </span>
      <span>
        {message}
        {fix !== null && <span class="preflight-fix">{fix}</span>}
      </span>
    </li>
  );
}
