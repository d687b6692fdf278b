import { signal, type ReadonlySignal } from '@preact/signals';
import { CancellationTokenSource } from 'vscode-jsonrpc/browser.js';
import { generate } from '../../src/protocol/panel.js';
import { ask, errorText, onText } from '../state/store.js';

/** One model's continuation of a prompt. */
export interface Completion {
  state: 'empty' | 'running' | 'done' | 'stopped' | 'failed';
  prompt: string;
  text: string;
  /** Known when it is done. */
  tokens: number | null;
  seconds: number | null;
  error: string | null;
}

const EMPTY: Completion = { state: 'empty', prompt: '', text: '', tokens: null, seconds: null, error: null };

let serial = 0;

/** Continues prompts with one of the two models, one at a time. */
export class Completer {
  private readonly latest = signal<Completion>(EMPTY);
  private cancellation: CancellationTokenSource | undefined;

  constructor(readonly model: 'parent' | 'child') {}

  get completion(): ReadonlySignal<Completion> {
    return this.latest;
  }

  async complete(prompt: string, tokens: number): Promise<void> {
    this.stop();
    const cancellation = new CancellationTokenSource();
    this.cancellation = cancellation;
    const id = `${this.model}-${++serial}`;
    /** What comes after it was stopped or begun anew is of no interest. */
    const update = (changed: Partial<Completion>): void => {
      if (this.cancellation === cancellation) this.latest.value = { ...this.latest.peek(), ...changed };
    };
    const silence = onText(id, (piece) => {
      update({ text: this.latest.peek().text + piece });
    });
    update({ ...EMPTY, state: 'running', prompt });
    try {
      const result = await ask(generate, { id, model: this.model, prompt, tokens }, cancellation.token);
      update({ ...result, state: 'done' });
    } catch (error) {
      update({ state: 'failed', error: errorText(error) });
    } finally {
      silence();
    }
  }

  /** What has come so far stays. */
  stop(): void {
    if (this.latest.peek().state === 'running') this.latest.value = { ...this.latest.peek(), state: 'stopped' };
    this.cancellation?.cancel();
    this.cancellation = undefined;
  }
}
