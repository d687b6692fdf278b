import { messageOf } from '../../common/errors.js';

/**
 * The answer to the latest of many questions. One is asked at a time; of those that come meanwhile only the last is asked
 * afterwards. So an older answer never replaces a newer one, and a row of quick questions still shows its progress.
 * Questions are plain JSON: equal ones are asked once.
 */
export class Latest<Question, Answer> {
  private wanted: { question: Question; id: string } | null = null;
  private answered: string | null = null;
  private current: Answer | null = null;
  private failure: string | null = null;
  private asking = false;
  private renewals = 0;
  /** Counts how often nothing was wanted: what was asked before that is of no interest after it. */
  private era = 0;

  /** @param changed called when there is another answer, or a failure, than before */
  constructor(
    private readonly ask: (question: Question) => Promise<Answer>,
    private readonly changed: () => void,
  ) {}

  /** The answer to the last question that was answered; null before the first. */
  get value(): Answer | null {
    return this.current;
  }

  /** Why the last question has no answer; null when it has one, or is still being asked. */
  get error(): string | null {
    return this.failure;
  }

  /** `value` is not the answer to the last question yet. */
  get pending(): boolean {
    return this.wanted !== null && this.wanted.id !== this.answered;
  }

  /** Asks, unless it is the question that was asked last. Null: there is nothing to ask, and no answer. */
  want(question: Question | null): void {
    if (question === null) {
      this.wanted = this.answered = this.current = this.failure = null;
      this.era++;
      return;
    }
    const id = `${this.renewals} ${JSON.stringify(question)}`;
    if (this.wanted?.id === id) return;
    this.wanted = { question, id };
    void this.work();
  }

  /** Asks, also the question that was asked last: its answer may be another by now. */
  renew(question: Question): void {
    this.renewals++;
    this.want(question);
  }

  /** Asks the last question again if it failed. */
  retry(): void {
    if (this.wanted !== null && this.failure !== null) this.renew(this.wanted.question);
  }

  private async work(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    while (this.wanted !== null && this.wanted.id !== this.answered) {
      const { question, id } = this.wanted;
      const { era } = this;
      const [answer, failure] = await this.ask(question).then(
        (value) => [value, null] as const,
        (error: unknown) => [null, messageOf(error)] as const,
      );
      if (era !== this.era) continue;
      this.answered = id;
      this.failure = failure;
      if (failure === null) this.current = answer;
      this.changed();
    }
    this.asking = false;
  }
}
