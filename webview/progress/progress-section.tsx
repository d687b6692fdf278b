import type { RunView, StageView } from '../../src/protocol/run.js';
import { count, duration, plural } from '../ui/format.js';
import { Icon } from '../ui/icon.js';
import { Section } from '../ui/section.js';
import { stageShare, stageText, vitalsText } from './progress-text.js';
import { STAGE_TEXTS } from './stage-texts.js';
import './progress.css';

const STAGE_ICONS = { waiting: 'circle-outline', done: 'check' } as const;

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
    <Section id="progress" title="Progress" summary={summaryText(run)} openByDefault={!over}>
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
    `${stages.filter(({ state }) => state === 'done').length} of ${plural(stages.length, 'stage')}`,
    duration(seconds),
    ...(tokens > 0 ? [`${count(tokens)} tokens`] : []),
    ...(tasks.retried > 0 ? [`${plural(tasks.retried, 'task')} tried again`] : []),
    ...(tasks.failed > 0 ? [`${plural(tasks.failed, 'task')} failed`] : []),
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
        <span class="visually-hidden">: {current ? run.state : stage.state}.</span>
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
        <Icon name="warning" class="tone-warning" /> {plural(warnings.length, 'warning')}
      </summary>
      <ul>
        {warnings.map((warning, index) => (
          <li key={index}>{warning}</li>
        ))}
      </ul>
    </details>
  );
}
