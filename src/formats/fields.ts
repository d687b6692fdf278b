import { InputError } from '../common/errors.js';
import { isRecord } from './json-file.js';
import { quoteValue } from './quote.js';

export interface NumberRule {
  min?: number;
  max: number;
  /** Used when the field is absent or null; without it the field is required. */
  absent?: number;
}

/** A JSON object whose fields are read with their rules; every InputError names the file and the field. */
export class Fields {
  private readonly where: string;
  /** What the fields are of, unread ones too. */
  readonly json: Record<string, unknown>;
  private readonly prefix: string;

  constructor(json: unknown, where: string, prefix = '') {
    if (!isRecord(json)) {
      throw new InputError(`${prefix === '' ? 'the file' : prefix} must be an object, not ${quoteValue(json)}`, where);
    }
    this.json = json;
    this.where = where;
    this.prefix = prefix;
  }

  get keys(): string[] {
    return Object.keys(this.json);
  }

  /** The value of an own field; undefined when absent. */
  get(name: string): unknown {
    return Object.hasOwn(this.json, name) ? this.json[name] : undefined;
  }

  /** Whether the field is there and not null. */
  has(name: string): boolean {
    const value = this.get(name);
    return value !== undefined && value !== null;
  }

  /** The object in field `name`. */
  inside(name: string): Fields {
    return new Fields(this.get(name), this.where, this.path(name));
  }

  /** The object at place `index` of the list in field `name`. */
  at(name: string, index: number): Fields {
    return new Fields(this.list(name)[index], this.where, `${this.path(name)}[${index}]`);
  }

  /** A whole number of at least `min` (1 by default) and at most `max`. */
  integer(name: string, rule: NumberRule): number {
    const { min = 1, max } = rule;
    const value = this.valueOr(name, rule.absent);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw this.error(name, `a whole number from ${min} to ${max} is expected`);
  }

  /** A number above 0 and at most `max`. */
  positive(name: string, rule: Omit<NumberRule, 'min'>): number {
    const value = this.valueOr(name, rule.absent);
    if (typeof value === 'number' && value > 0 && value <= rule.max) return value;
    throw this.error(name, `a number above 0 and at most ${rule.max} is expected`);
  }

  /** True or false; absent or null is false. */
  flag(name: string): boolean {
    const value = this.valueOr(name, false);
    if (typeof value === 'boolean') return value;
    throw this.error(name, 'true or false is expected');
  }

  /** One of a closed set of texts. */
  oneOf<T extends string>(name: string, supported: readonly T[], absent?: T): T {
    const value = this.valueOr(name, absent);
    const found = supported.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    throw this.error(name, `supported: ${supported.join(', ')}`);
  }

  list(name: string): unknown[] {
    const value = this.get(name);
    if (Array.isArray(value)) return value as unknown[];
    throw this.error(name, 'a list is expected');
  }

  /** An InputError that names the field, its value, and what would do. */
  error(name: string, advice: string): InputError {
    return new InputError(`${this.path(name)} is ${quoteValue(this.get(name))}; ${advice}`, this.where);
  }

  private valueOr(name: string, absent: unknown): unknown {
    const value = this.get(name);
    return value === undefined || value === null ? absent : value;
  }

  private path(name: string): string {
    return this.prefix === '' ? name : `${this.prefix}.${name}`;
  }
}
