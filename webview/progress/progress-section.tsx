import * as l10n from '@vscode/l10n';
import type { RunView, StageView } from '../../src/protocol/run.js';
import { count, duration, plural } from '../ui/format.js';
import { Icon } from '../ui/icon.js';
import { Section } from '../ui/section.js';
import { CONDITION_WORDS, stageShare, stageText, vitalsText } from './progress-text.js';
import { STAGE_TEXTS } from './stage-texts.js';
import './progress.css';

const STAGE_ICONS = { waiting: 'circle-outline', done: 'check' } as const;

const STAGE_WORDS: Readonly<Record<StageView['state'], string>> = {
  waiting: l10n.t('waiting'),
  running: l10n.t('running'),
  done: l10n.t('done'),
};

/** Of the stage that the run is in. */
const CURRENT_ICONS: Readonly<Record<RunView['state'], string>> = {
  running: 'arrow-right',
  paused: 'debug-pause',
  done: 'check',
  failed: 'error',
  cancelled: 'circle-slash',
  interrupted: 'debug-disconnect',
};

/** Every stage of a run: what is done, how long it took, what is left. */
export function ProgressSection({ run }: { run: RunView }) {
  const over = run.state === 'done';
  return (
    <Section id="progress" title={l10n.t('Progress')} summary={summaryText(run)} openByDefault={!over}>
      <ol class="stages">
        {run.stages.map((stage) => (
          <Stage key={stage.stage} stage={stage} run={run} />
        ))}
      </ol>
      {run.vitals !== null && <p class="vitals muted small">{vitalsText(run.vitals)}</p>}
      {run.warnings.length > 0 && <Warnings warnings={run.warnings} />}
    </Section>
  );
}

function summaryText({ stages, seconds, tasks }: RunView): string {
  const tokens = stages.reduce((sum, stage) => sum + stage.tokens, 0);
  return [
    l10n.t('{0} of {1} stages', stages.filter(({ state }) => state === 'done').length, stages.length),
    duration(seconds),
    ...(tokens > 0 ? [l10n.t('{0} tokens', count(tokens))] : []),
    ...(tasks.retried > 0
      ? [plural(tasks.retried, l10n.t('1 task tried again'), l10n.t('{0} tasks tried again', count(tasks.retried)))]
      : []),
    ...(tasks.failed > 0
      ? [plural(tasks.failed, l10n.t('1 task failed'), l10n.t('{0} tasks failed', count(tasks.failed)))]
      : []),
  ].join(' · ');
}

function Stage({ stage, run }: { stage: StageView; run: RunView }) {
  const current = stage.state === 'running';
  const purpose = STAGE_TEXTS.get(stage.stage) ?? '';
  return (
    <li class={`stage stage-${stage.state}`} aria-current={current ? 'step' : undefined}>
      <Icon name={stage.state === 'running' ? CURRENT_ICONS[run.state] : STAGE_ICONS[stage.state]} />
      <span class="stage-name">
        {stage.stage}
        <span class="visually-hidden">: {current ? CONDITION_WORDS[run.state] : STAGE_WORDS[stage.state]}.</span>
      </span>
      <span class="stage-text">{stage.state === 'waiting' ? purpose : stageText(stage)}</span>
      {current && <progress class="bar" aria-label={stage.stage} max={1} value={stageShare(stage)} />}
    </li>
  );
}

function Warnings({ warnings }: { warnings: readonly string[] }) {
  return (
    <details class="warnings">
      <summary>
        <Icon name="warning" class="tone-warning" />
        {plural(warnings.length, l10n.t('1 warning'), l10n.t('{0} warnings', warnings.length))}
      </summary>
      <ul>
        {warnings.map((warning, index) => (
          <li key={index}>{warning}</li>
        ))}
      </ul>
    </details>
  );
}
