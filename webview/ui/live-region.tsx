import { signal } from '@preact/signals';

/** Readers are told at most this often (milliseconds); of what comes in between, the last. */
const INTERVAL = 4000;

const spoken = signal('');
let waiting: string | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Has the text read out when the reader is free; several within a few seconds become the last of them. */
export function announce(text: string): void {
  if (timer !== undefined) {
    waiting = text;
    return;
  }
  spoken.value = text;
  timer = setTimeout(() => {
    timer = undefined;
    if (waiting === undefined) return;
    const next = waiting;
    waiting = undefined;
    announce(next);
  }, INTERVAL);
}

/** Where announcements are put. There is one, and it is always there. */
export function LiveRegion() {
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {spoken.value}
    </div>
  );
}
