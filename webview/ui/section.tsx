import type { ComponentChildren } from 'preact';
import { openSections } from '../state/ui-state.js';
import { Icon } from './icon.js';

interface SectionProps {
  /** Names it in the stored state and in the page: lower case, no spaces. */
  id: string;
  title: string;
  /** One line beside the title that says what is inside, open or not. */
  summary?: ComponentChildren;
  /** Buttons at the right end of the heading. */
  actions?: ComponentChildren;
  openByDefault?: boolean;
  children: ComponentChildren;
}

/** A part of the panel under a heading that opens and closes it. What is closed is not drawn. */
export function Section({ id, title, summary, actions, openByDefault = true, children }: SectionProps) {
  const open = openSections.value[id] ?? openByDefault;
  const toggle = (): void => {
    openSections.value = { ...openSections.peek(), [id]: !open };
  };
  return (
    <section class="section" id={`section-${id}`} aria-labelledby={`heading-${id}`}>
      <div class="section-head">
        <h2 class="section-title" id={`heading-${id}`}>
          <button type="button" class="section-toggle" aria-expanded={open} onClick={toggle}>
            <Icon name={open ? 'chevron-down' : 'chevron-right'} />
            {title}
          </button>
        </h2>
        {summary !== undefined && <div class="section-summary">{summary}</div>}
        {actions !== undefined && <div class="section-actions">{actions}</div>}
      </div>
      {open && <div class="section-body">{children}</div>}
    </section>
  );
}
