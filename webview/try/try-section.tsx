import * as l10n from '@vscode/l10n';
import { useEffect, useMemo } from 'preact/hooks';
import type { PanelState } from '../../src/protocol/panel.js';
import { trial } from '../state/ui-state.js';
import { Button } from '../ui/button.js';
import { count, duration, plural, significant } from '../ui/format.js';
import { Icon } from '../ui/icon.js';
import { announce } from '../ui/live-region.js';
import { ProgressRing } from '../ui/progress-ring.js';
import { Section } from '../ui/section.js';
import { TextArea } from '../ui/text-area.js';
import { TextField } from '../ui/text-field.js';
import { Completer, type Completion } from './completion.js';
import { parseTokens, tokensProblem } from './tokens.js';
import './try.css';

const MODEL_NAMES = { parent: l10n.t('parent'), child: l10n.t('child') } as const;

/** One prompt, continued by parent and child side by side. */
export function TrySection({ state }: { state: PanelState }) {
  const missing = whyNot(state);
  return (
    <Section
      id="try"
      title={l10n.t('Try it')}
      summary={missing ?? l10n.t('a prompt continued by parent and child')}
      openByDefault={missing === null}
    >
      {missing === null ? <Trial /> : <p class="muted">{l10n.t('There is nothing to try yet: {0}.', missing)}</p>}
    </Section>
  );
}

function whyNot({ run, worker }: PanelState): string | null {
  if (run?.state !== 'done') return l10n.t('when the search has finished: a prompt continued by parent and child');
  return worker.state === 'down' ? l10n.t('the worker that generates text is not running') : null;
}

function Trial() {
  const completers = useMemo(() => [new Completer('parent'), new Completer('child')], []);
  useEffect(
    () => () => {
      for (const completer of completers) completer.stop();
    },
    [],
  );
  const { prompt, tokens } = trial.value;
  const problem = tokensProblem(tokens);
  const count = parseTokens(tokens);
  const running = completers.some(({ completion }) => completion.value.state === 'running');
  const complete = (): void => {
    if (count === null) return;
    announce(l10n.t('Completing with parent and child'));
    void Promise.all(completers.map(async (completer) => completer.complete(prompt, count))).then(() => {
      const done = completers.every(({ completion }) => completion.peek().state === 'done');
      if (done) announce(l10n.t('Parent and child have completed the prompt'));
    });
  };
  return (
    <>
      <TextArea
        label={l10n.t('Prompt')}
        value={prompt}
        rows={3}
        maxLength={100_000}
        placeholder={l10n.t('Once upon a time')}
        onInput={(text) => {
          trial.value = { ...trial.peek(), prompt: text };
        }}
      />
      <div class="try-controls">
        <label class="try-tokens">
          <span class="muted">{l10n.t('tokens')}</span>
          <TextField
            label={l10n.t('Tokens to continue by')}
            value={tokens}
            size={6}
            problem={problem}
            onInput={(text) => {
              trial.value = { ...trial.peek(), tokens: text };
            }}
          />
        </label>
        <Button
          appearance="primary"
          icon="play"
          disabled={running || prompt === '' || count === null}
          onClick={complete}
        >
          {l10n.t('Complete with both')}
        </Button>
      </div>
      {completers.some(({ completion }) => completion.value.state !== 'empty') && (
        <div class="try-results">
          {completers.map((completer) => (
            <Result key={completer.model} completer={completer} />
          ))}
        </div>
      )}
    </>
  );
}

function Result({ completer }: { completer: Completer }) {
  const completion = completer.completion.value;
  const { state, prompt, text, error } = completion;
  return (
    <section class="try-result" aria-label={MODEL_NAMES[completer.model]} aria-busy={state === 'running'}>
      <div class="try-head">
        <h3>{MODEL_NAMES[completer.model]}</h3>
        <StateText completion={completion} />
        {state === 'running' && (
          <Button
            icon="debug-stop"
            onClick={() => {
              completer.stop();
            }}
          >
            {l10n.t('Stop')}
          </Button>
        )}
      </div>
      <p class="try-text">
        <span class="try-prompt">{prompt}</span>
        {text}
      </p>
      {error !== null && (
        <p class="try-error" role="alert">
          <Icon name="error" class="tone-failed" /> {error}
        </p>
      )}
    </section>
  );
}

function StateText({ completion: { state, tokens, seconds } }: { completion: Completion }) {
  if (state === 'running') return <ProgressRing text={l10n.t('writing…')} />;
  if (state === 'stopped') return <span class="muted">{l10n.t('stopped')}</span>;
  if (state !== 'done' || tokens === null || seconds === null) return null;
  const text = plural(
    tokens,
    l10n.t('1 token in {0}', duration(seconds)),
    l10n.t('{0} tokens in {1}', count(tokens), duration(seconds)),
  );
  return <span class="muted figures">{seconds > 0 ? `${text}, ${significant(tokens / seconds)} tokens/s` : text}</span>;
}
