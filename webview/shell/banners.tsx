import * as l10n from '@vscode/l10n';
import type { ComponentChildren } from 'preact';
import { act, type PanelAction, type PanelState } from '../../src/protocol/panel.js';
import { dismissFailure, failure, perform } from '../state/store.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import './banners.css';

/** Everything that is not as it should be, each with what can be done about it. */
export function Banners({ state }: { state: PanelState }) {
  const { spec, run, stale, error, worker } = state;
  const failed = failure.value;
  return (
    <div class="banners">
      {failed !== null && (
        <Banner tone="error" text={failed} actions={['showLog', 'copyDiagnostics']} onDismiss={dismissFailure} />
      )}
      {error !== null && <Banner tone="error" text={error} actions={['showLog', 'copyDiagnostics']} />}
      {run !== null && run.error !== null && run.state !== 'interrupted' && (
        <Banner
          tone="error"
          title={l10n.t('The search failed.')}
          text={run.error}
          actions={['showLog', 'copyDiagnostics']}
        />
      )}
      {spec?.problem !== null && spec?.problem !== undefined && (
        <Banner tone="error" title={l10n.t('The spec cannot be used.')} text={spec.problem} actions={['openSpec']} />
      )}
      {worker.state === 'down' && (
        <Banner
          tone="warning"
          title={l10n.t('The worker that solves and generates is not running.')}
          text={worker.message ?? l10n.t('A run at work is not affected.')}
          actions={['restartWorker', 'showLog']}
        />
      )}
      {run?.state === 'interrupted' && (
        <Banner
          tone="warning"
          title={l10n.t('The process of this run is gone.')}
          text={l10n.t('What it had finished is kept; Resume goes on from there.')}
          actions={['showLog']}
        />
      )}
      {stale !== null && (
        <Banner
          tone="info"
          title={l10n.t('The spec has changed since this run.')}
          text={stale}
          // To start a search that is at work means to go on with it, by the old spec.
          actions={run?.state === 'running' || run?.state === 'paused' ? [] : ['start']}
        />
      )}
    </div>
  );
}

type Tone = 'error' | 'warning' | 'info';

const BANNER_ACTIONS: Partial<Record<PanelAction, string>> = {
  showLog: l10n.t('Show log'),
  copyDiagnostics: l10n.t('Copy diagnostics'),
  openSpec: l10n.t('Open the spec'),
  restartWorker: l10n.t('Restart'),
  start: l10n.t('Search with the new spec'),
};

interface BannerProps {
  tone: Tone;
  title?: string;
  text: ComponentChildren;
  actions: readonly PanelAction[];
  onDismiss?: () => void;
}

function Banner({ tone, title, text, actions, onDismiss }: BannerProps) {
  return (
    <div class={`banner banner-${tone}`} role={tone === 'error' ? 'alert' : 'status'}>
      <Icon name={tone} class="banner-icon" />
      <p class="banner-text">
        {title !== undefined && <strong>{title} </strong>}
        {text}
      </p>
      <div class="banner-actions">
        {actions.map((action) => (
          <Button
            key={action}
            onClick={() => {
              perform(act, { action });
            }}
          >
            {BANNER_ACTIONS[action] ?? action}
          </Button>
        ))}
        {onDismiss !== undefined && (
          <Button appearance="icon" icon="close" onClick={onDismiss}>
            {l10n.t('Dismiss')}
          </Button>
        )}
      </div>
    </div>
  );
}
