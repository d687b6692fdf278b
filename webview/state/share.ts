/**
 * `next`, with every part that equals the same part of `previous` replaced by that very object. Snapshots arrive whole
 * and new; this way a component that was given the same thing is given the same object and need not draw again.
 * Both are plain JSON.
 */
export function shareUnchanged<Value>(previous: unknown, next: Value): Value {
  return share(previous, next) as Value;
}

function share(previous: unknown, next: unknown): unknown {
  if (Object.is(previous, next)) return previous;
  if (Array.isArray(previous) && Array.isArray(next)) {
    const shared = next.map((item, index) => share(previous[index], item));
    return previous.length === next.length && shared.every((item, index) => item === previous[index])
      ? previous
      : shared;
  }
  if (!isRecord(previous) || !isRecord(next)) return next;
  const keys = Object.keys(next);
  const shared = Object.fromEntries(keys.map((key) => [key, share(previous[key], next[key])]));
  const same = keys.length === Object.keys(previous).length && keys.every((key) => shared[key] === previous[key]);
  return same ? previous : shared;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
