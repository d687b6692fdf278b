import type { ComponentChildren } from 'preact';
import { NONE } from '../ui/format.js';
import { type Fact, SHAPE } from './facts.js';

/** What is known of one thing. */
export interface DetailsPart {
  name: string;
  facts: readonly Fact[];
}

interface DetailsLineProps {
  id: string;
  /** What the parts are parts of. */
  title: string;
  parts: readonly DetailsPart[];
  /** There are measurements too: room is kept for them. */
  measured: boolean;
  /** Stands there while there is nothing to tell. */
  hint: ComponentChildren;
}

/**
 * Parts side by side: a row each with a column for every kind of fact or, where it is narrow, the other way round.
 * Readers get the same in sentences: it describes what has the focus.
 */
export function DetailsLine({ id, title, parts, measured, hint }: DetailsLineProps) {
  const names = [...new Set(parts.flatMap(({ facts }) => facts.map(({ name }) => name)))];
  return (
    <div class={measured ? 'map-details measured' : 'map-details'}>
      {parts.length === 0 && <p class="muted">{hint}</p>}
      <p class="visually-hidden" id={id}>
        {parts.map(({ name, facts }) => `${name}: ${facts.map((fact) => `${fact.name} ${fact.value}`).join(', ')}. `)}
      </p>
      {parts.length > 0 && (
        <div class="map-facts" aria-hidden="true" style={{ '--facts': String(names.length + 1) }}>
          <span class="muted small">{title}</span>
          {names.map((name) => (
            <span key={name} class="muted small">
              {name}
            </span>
          ))}
          {parts.map(({ name: part, facts }) => [
            <strong key={part}>{part}</strong>,
            ...names.map((name) => (
              <span key={`${part} ${name}`} class={name === SHAPE ? 'map-fact-shape' : undefined}>
                {facts.find((fact) => fact.name === name)?.value ?? NONE}
              </span>
            )),
          ])}
        </div>
      )}
    </div>
  );
}
