/** Two variants of a layer by their names. In a file of its own: who arranges reports needs no solver. */
export function pairName(attention: string, ffn: string): string {
  return `${attention} + ${ffn}`;
}
