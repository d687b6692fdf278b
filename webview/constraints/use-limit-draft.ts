import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { setLimit, type SpecView } from '../../src/protocol/panel.js';
import { ask, errorText } from '../state/store.js';
import { Latest } from './latest.js';

type SpecLimit = SpecView['limits'][number];

/** A limit on its way: what is shown of it, and what can be done with it. */
export interface LimitDraft {
  /** What the spec says, or what it is about to say. */
  text: string;
  /** Why the host did not take it; null where it did. */
  refused: string | null;
  /** Solves for a text and shows the answer; the spec stays as it is. */
  preview: (text: string) => void;
  /** Writes a text into the spec; null takes the limit out. */
  commit: (text: string | null) => void;
  /** Back to what the spec says. */
  revert: () => void;
}

interface Change {
  text: string | null;
  preview: boolean;
  /** With this, nothing is tried out any more. */
  last: boolean;
}

/** Texts that were tried out since the spec said `before`. */
interface Trial {
  before: string;
  texts: Set<string>;
}

/** Edits one limit of the spec: what is sent is always the newest text, and never more than one at a time. */
export function useLimitDraft({ metric, text: written }: SpecLimit): LimitDraft {
  const [draft, setDraft] = useState<string | null>(null);
  const [refused, setRefused] = useState<string | null>(null);
  const now = useRef(written);
  now.current = written;
  const trial = useRef<Trial | null>(null);
  // What is tried out comes back as if the spec said it, and may be behind: only other news end the draft.
  useEffect(() => {
    if (trial.current?.texts.has(written)) return;
    trial.current = null;
    setDraft(null);
    setRefused(null);
  }, [written]);
  const sender = useMemo(
    () =>
      new Latest<Change>(
        async ({ text, preview, last }) => {
          try {
            await ask(setLimit, { metric, text, preview });
            setRefused(null);
            if (!last) return;
            trial.current = null;
            if (text === now.current) setDraft(null);
          } catch (error) {
            setRefused(errorText(error));
          }
        },
        (callback) => requestAnimationFrame(callback),
      ),
    [metric],
  );
  const send = (change: Change): void => {
    setDraft(change.text);
    sender.push(change);
  };
  return {
    text: draft ?? written,
    refused,
    preview: (text) => {
      trial.current ??= { before: written, texts: new Set() };
      trial.current.texts.add(text);
      send({ text, preview: true, last: false });
    },
    commit: (text) => {
      send({ text, preview: false, last: true });
    },
    revert: () => {
      if (trial.current !== null) send({ text: trial.current.before, preview: true, last: true });
    },
  };
}
