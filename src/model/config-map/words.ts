import { ffnName } from '../variants.js';
import type { AttentionPart, Dense, Experts, FfnPart, Heads } from './parts.js';

/** How a half is called, and its numbers in words. */
export interface Words {
  name: string;
  detail: string;
}

const UNKNOWN: Words = { name: 'unknown', detail: 'the config does not give its size' };

/** Words for the half of a layer that is no subblock of its own kind any more, or never was. */
function otherWords(part: Exclude<AttentionPart | FfnPart, Heads | Dense | Experts>, hiddenSize: number | null): Words {
  switch (part.kind) {
    case 'no-op':
      return { name: 'no-op', detail: 'nothing in its place' };
    case 'linear':
      return { name: 'linear', detail: hiddenSize === null ? 'one matrix' : `one ${square(hiddenSize)} matrix` };
    case 'mamba':
    case 'other':
      return { name: part.name, detail: 'not counted' };
  }
}

/** `kv8`: `8 KV heads of 128, window of 4,096 tokens`. */
export function attentionWords(part: AttentionPart, hiddenSize: number | null): Words {
  if (part.kind !== 'heads') return otherWords(part, hiddenSize);
  const { heads, kvHeads, headDim, window } = part;
  if (heads === null && kvHeads === null) return UNKNOWN;
  const size = headDim === null ? '' : ` of ${count(headDim)}`;
  const reach = window === null ? '' : `, window of ${plural(window, 'token')}`;
  return kvHeads === null
    ? { name: plural(heads ?? 0, 'head'), detail: `${plural(heads ?? 0, 'head')}${size}${reach}` }
    : { name: `kv${kvHeads}`, detail: `${plural(kvHeads, 'KV head')}${size}${reach}` };
}

/** `ffn-50%` of the widest: `7,168 channels`. For experts `8 experts, 2 active`: `8 × 14,336 channels`. */
export function ffnWords(part: FfnPart, widest: number, hiddenSize: number | null): Words {
  if (part.kind === 'experts') return expertWords(part);
  if (part.kind !== 'dense') return otherWords(part, hiddenSize);
  if (part.width === null) return UNKNOWN;
  const name = ffnName({ kind: 'gated', width: part.width }, { kind: 'gated', width: widest });
  return { name, detail: plural(part.width, 'channel') };
}

function expertWords({ count: experts, active, width, sharedWidth }: Experts): Words {
  const shared = sharedWidth === 0 ? '' : `, ${count(sharedWidth)} shared`;
  return {
    name: active === null ? plural(experts, 'expert') : `${plural(experts, 'expert')}, ${count(active)} active`,
    detail: width === null ? UNKNOWN.detail : `${count(experts)} × ${plural(width, 'channel')}${shared}`,
  };
}

function square(size: number): string {
  return `${count(size)} × ${count(size)}`;
}

/** 1234567 as `1,234,567`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 layer`, `2 layers`. */
export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}
