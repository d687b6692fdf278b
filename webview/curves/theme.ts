import { signal, type ReadonlySignal } from '@preact/signals';

const revision = signal(0);
let observer: MutationObserver | undefined;

/** Rises whenever the editor's theme changes: what is drawn on a canvas must be drawn again. */
export function themeRevision(): ReadonlySignal<number> {
  if (observer === undefined) {
    observer = new MutationObserver(() => {
      revision.value++;
    });
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
    observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  }
  return revision;
}

/** What a CSS colour, custom properties and mixtures included, comes to within an element: a canvas knows no others. */
export function resolveColor(within: HTMLElement, color: string): string {
  const probe = document.createElement('span');
  probe.style.color = color;
  within.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
