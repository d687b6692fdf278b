import * as z from 'zod';
import { InputError } from '../../common/errors.js';
import { type Imported, importedQuestion, rangesQuestion, solveQuestion } from '../../protocol/questions.js';
import {
  type ImportedView,
  type LayerRule,
  layerRuleSchema,
  type MetricRange,
  type SolveAnswer,
} from '../../protocol/solution.js';
import { replaceRules } from '../../search/rules.js';
import { Latest } from '../panel/latest.js';
import { NOTHING, type PanelContent } from '../panel/session.js';
import type { QuestionWorker } from '../services.js';

/** What the user asks of a directory: it has no spec to stand in, so the editor remembers it. */
const askedSchema = z.object({
  metric: z.string().nullable(),
  table: z.int().nonnegative(),
  limits: z.record(z.string(), z.string()),
  rules: z.array(layerRuleSchema),
});
type Asked = z.infer<typeof askedSchema>;
const NOTHING_ASKED: Asked = { metric: null, table: 0, limits: {}, rules: [] };

export interface ImportedPlace {
  uri: string;
  /** Absolute path. */
  dir: string;
  /** For people. */
  name: string;
}

interface Sources {
  worker: Pick<QuestionWorker, 'ask' | 'state'>;
  /** What was asked when the panel was last open, and where to keep it. */
  memory: { get: () => unknown; set: (asked: unknown) => void };
}

/** A question, and how often the files had been looked at when it was asked. */
interface Looked<Params> {
  params: Params;
  look: number;
}

/** The parameters of a solve, which other questions about the same requirements have too. */
interface LibraryQuestion {
  run: string;
  imported: Imported;
  limits: Record<string, string>;
  rules: LayerRule[];
}

/** The state of the panel of a Puzzletron working directory: what is asked, and what the worker answers. */
export class ImportedState {
  private asked: Asked;
  /** Limits that the user tries out, by their costs; null: without. */
  private readonly tried = new Map<string, string | null>();
  private look = 0;
  private readonly offer: Latest<Looked<{ dir: string }>, ImportedView>;
  private readonly answer: Latest<Looked<LibraryQuestion>, SolveAnswer>;
  private readonly ranges: Latest<Looked<Pick<LibraryQuestion, 'run' | 'imported'>>, MetricRange[]>;

  constructor(
    readonly place: ImportedPlace,
    private readonly sources: Sources,
    private readonly changed: (soon?: boolean) => void,
  ) {
    const { worker, memory } = sources;
    this.asked = askedSchema.safeParse(memory.get()).data ?? NOTHING_ASKED;
    this.offer = new Latest(
      ({ params }) => worker.ask(importedQuestion, params),
      () => {
        this.update();
      },
    );
    const tell = () => {
      changed();
    };
    this.answer = new Latest(({ params }) => worker.ask(solveQuestion, params), tell);
    this.ranges = new Latest(({ params }) => worker.ask(rangesQuestion, params), tell);
    this.update();
  }

  /** The files are others, or the worker is back: everything is asked again. */
  lookAgain(): void {
    this.look++;
    this.update();
  }

  /** What is taken of the directory; null until it is known what there is. */
  get imported(): Imported | null {
    const { value: offer } = this.offer;
    const usual = offer?.metrics[0];
    if (offer === null || usual === undefined) return null;
    const { metrics, tables } = offer;
    const { metric, table } = this.asked;
    return {
      metric: metric !== null && metrics.includes(metric) ? metric : usual,
      table: table < tables.length ? table : 0,
    };
  }

  /** What a question about the present limits and rules is about. Throws InputError while the directory is not read. */
  question(): LibraryQuestion {
    const { imported } = this;
    if (imported === null) throw new InputError(this.offer.error ?? 'is still being read', this.place.name);
    return { run: this.place.dir, imported, limits: this.limits(), rules: this.asked.rules };
  }

  take(imported: Imported): void {
    this.ask({ ...this.asked, ...imported });
  }

  /** @param text null: without the limit */
  setLimit(cost: string, text: string | null): void {
    this.tried.delete(cost);
    this.ask({ ...this.asked, limits: withLimit(this.asked.limits, cost, text) });
  }

  setLimits(limits: Readonly<Record<string, string>>): void {
    for (const cost of Object.keys(limits)) this.tried.delete(cost);
    this.ask({ ...this.asked, limits: { ...this.asked.limits, ...limits } });
  }

  /** Answers and draws as if the limit were this one. */
  tryLimit(cost: string, text: string | null): void {
    this.tried.set(cost, text);
    this.update();
  }

  endTrials(): void {
    if (this.tried.size === 0) return;
    this.tried.clear();
    this.update();
  }

  /** A rule that neither pins nor bans takes back what was decided about its half. */
  setRule(rule: LayerRule): void {
    const isEmpty = rule.pin === undefined && (rule.ban ?? []).length === 0;
    const rules = replaceRules(this.asked.rules, [rule]).filter((one) => one !== rule || !isEmpty);
    this.setRules(layerRuleSchema.array().parse(rules));
  }

  /** All that is decided about layers, in place of what was. */
  setRules(rules: LayerRule[]): void {
    this.ask({ ...this.asked, rules });
  }

  content(): PanelContent {
    const { uri, name } = this.place;
    const { worker } = this.sources;
    const { value: offer } = this.offer;
    const { imported } = this;
    const state = worker.state();
    const limits = Object.entries(this.limits()).map(([metric, text]) => ({ metric, text, problem: null }));
    return {
      ...NOTHING,
      ...{ kind: 'imported', uris: [uri], title: name, worker: state },
      spec: offer && { uri, name, problem: null, limits, rules: this.asked.rules, target: '' },
      imported:
        offer && imported
          ? {
              ...{ metrics: offer.metrics, tables: offer.tables, blocks: offer.blocks },
              ...imported,
              look: this.look,
            }
          : null,
      parent: offer?.parent ?? null,
      answer: this.answer.value,
      solving: this.answer.pending,
      ranges: this.ranges.value ?? [],
      error: state.state === 'down' ? null : (this.offer.error ?? this.answer.error ?? this.ranges.error),
    };
  }

  dispose(): void {
    for (const part of [this.offer, this.answer, this.ranges]) part.want(null);
  }

  private ask(asked: Asked): void {
    this.asked = asked;
    this.sources.memory.set(asked);
    this.update();
  }

  private limits(): Record<string, string> {
    return [...this.tried].reduce((limits, [cost, text]) => withLimit(limits, cost, text), this.asked.limits);
  }

  private update(): void {
    const { imported, look } = this;
    const { dir: run } = this.place;
    this.offer.want({ params: { dir: run }, look });
    this.answer.want(imported && { params: this.question(), look });
    this.ranges.want(imported && { params: { run, imported }, look });
    this.changed(this.answer.pending);
  }
}

function withLimit(limits: Record<string, string>, cost: string, text: string | null): Record<string, string> {
  if (text !== null) return { ...limits, [cost]: text };
  return Object.fromEntries(Object.entries(limits).filter(([name]) => name !== cost));
}
