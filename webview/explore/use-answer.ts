import { useEffect, useState } from 'preact/hooks';
import { CancellationTokenSource, type CancellationToken } from 'vscode-jsonrpc/browser.js';
import { errorText } from '../state/store.js';

/** The answer to the latest of many questions. */
export interface LatestAnswer<Value> {
  /** To the question before, while the present one is being answered; null before the first. */
  value: Value | null;
  pending: boolean;
  error: string | null;
}

/** A limit that moves asks many questions in a row: only where it rests so long (milliseconds) one is put. */
const RESTS = 40;

/**
 * Asks whenever `key` is another; what was asked before is withdrawn, and never heard.
 *
 * @param key of all that the answer depends on; null: there is nothing to ask
 */
export function useAnswer<Value>(
  key: string | null,
  question: (token: CancellationToken) => Promise<Value>,
): LatestAnswer<Value> {
  const [answer, setAnswer] = useState<LatestAnswer<Value>>({ value: null, pending: false, error: null });
  useEffect(() => {
    if (key === null) {
      setAnswer({ value: null, pending: false, error: null });
      return;
    }
    const asking = new CancellationTokenSource();
    setAnswer(({ value }) => ({ value, pending: true, error: null }));
    const settle = (next: LatestAnswer<Value>): void => {
      if (!asking.token.isCancellationRequested) setAnswer(next);
    };
    const timer = setTimeout(() => {
      question(asking.token).then(
        (value) => {
          settle({ value, pending: false, error: null });
        },
        (error: unknown) => {
          settle({ value: null, pending: false, error: errorText(error) });
        },
      );
    }, RESTS);
    return () => {
      clearTimeout(timer);
      asking.cancel();
    };
  }, [key]);
  return answer;
}
