import type { Tokenizer } from '../formats/tokenizer.js';

/** What a decoder writes for bytes that are no whole character. */
const INCOMPLETE = '\ufffd';

/** How far back a token may change what the text of the next one is: a few bytes, a space between words. */
const CONTEXT_TOKENS = 8;
/** Text is decoded anew with each token: the more of it, the slower. */
const MAX_WINDOW_TOKENS = 32;

/** The text of a continuation, token by token: the pieces put together are what all tokens together decode to. */
export class TextPieces {
  private window: number[];
  /** Of the window, what is told already or belongs to the prompt. */
  private told: string;

  constructor(
    private readonly tokenizer: Pick<Tokenizer, 'decode'>,
    promptIds: readonly number[],
  ) {
    this.window = promptIds.slice(-CONTEXT_TOKENS);
    this.told = tokenizer.decode(this.window);
  }

  /** The text that one more token adds; empty while a character is not whole. */
  add(id: number): string {
    this.window.push(id);
    const text = this.tokenizer.decode(this.window);
    if (text.endsWith(INCOMPLETE)) return '';
    const piece = text.slice(this.told.length);
    this.told = text;
    if (this.window.length > MAX_WINDOW_TOKENS) {
      this.window = this.window.slice(-CONTEXT_TOKENS);
      this.told = this.tokenizer.decode(this.window);
    }
    return piece;
  }

  /** What is left at the end: a character that never became whole. */
  rest(): string {
    return this.tokenizer.decode(this.window).slice(this.told.length);
  }
}
