import { InputError } from '../common/errors.js';
import { quote } from '../formats/quote.js';
import { type Half, HALVES } from '../model/names.js';

/** What the user decides about one half of one layer: the variant that it must have, or some that it must not. */
export interface LayerRule {
  layer: number;
  half: Half;
  pin?: string | undefined;
  ban?: readonly string[] | undefined;
}

/** A variant by its name; a failed one is known, and cannot be chosen: `failed` says why. */
export interface NamedVariant {
  name: string;
  failed?: string;
}

/** The variants of one layer. */
export type NamedLayer = Readonly<Record<Half, readonly NamedVariant[]>>;

/** What is wrong with one of several rules. */
export interface RuleProblem {
  /** From the list of rules: its index, then the field at fault. */
  path: (string | number)[];
  message: string;
}

/** Whether the rules let a layer's half be this variant. */
export function allows(rules: readonly LayerRule[], layer: number, half: Half, name: string): boolean {
  return rules
    .filter((rule) => rule.layer === layer && rule.half === half)
    .every(({ pin, ban = [] }) => (pin === undefined || pin === name) && !ban.includes(name));
}

/** What keeps rules from being applied to these layers: names that they do not have, and halves left with no variant. */
export function ruleProblems(rules: readonly LayerRule[], layers: readonly NamedLayer[]): RuleProblem[] {
  const unknown = rules.flatMap((rule, index) => unknownNames(rule, index, layers));
  return unknown.length > 0 ? unknown : emptiedHalves(rules, layers);
}

/** Throws InputError for the first problem of rules, naming what is possible. */
export function checkRules(rules: readonly LayerRule[], layers: readonly NamedLayer[], where = 'rules'): void {
  const [problem] = ruleProblems(rules, layers);
  if (problem !== undefined) throw new InputError(problem.message, [where, ...problem.path].join('.'));
}

/** A rule as a person would say it: `layer 3 attention is kv2`, `layer 5 ffn is not no-op`. */
export function ruleText({ layer, half, pin, ban = [] }: LayerRule): string {
  const said = [
    ...(pin === undefined ? [] : [`is ${pin}`]),
    ...(ban.length === 0 ? [] : [`is not ${ban.join(' or ')}`]),
  ];
  return `layer ${layer} ${half} ${said.join(' and ')}`;
}

function unknownNames(rule: LayerRule, index: number, layers: readonly NamedLayer[]): RuleProblem[] {
  const { layer, half, pin, ban = [] } = rule;
  const variants = layers[layer]?.[half];
  if (variants === undefined) {
    const message = `layer ${layer} does not exist; layers are 0 to ${layers.length - 1}`;
    return [{ path: [index, 'layer'], message }];
  }
  const problem = (name: string, path: (string | number)[]): RuleProblem[] => {
    if (variants.some((variant) => variant.name === name)) return [];
    return [{ path, message: `layer ${layer} has no ${half} variant ${quote(name)}; ${possible(variants)}` }];
  };
  return [
    ...(pin === undefined ? [] : problem(pin, [index, 'pin'])),
    ...ban.flatMap((name, i) => problem(name, [index, 'ban', i])),
  ];
}

function emptiedHalves(rules: readonly LayerRule[], layers: readonly NamedLayer[]): RuleProblem[] {
  return layers.flatMap((variants, layer) =>
    HALVES.flatMap((half): RuleProblem[] => {
      const last = rules.findLastIndex((rule) => rule.layer === layer && rule.half === half);
      if (last < 0) return [];
      const left = variants[half].filter(({ name }) => allows(rules, layer, half, name));
      if (left.some(({ failed }) => failed === undefined)) return [];
      const why =
        left.length === 0
          ? `the rules leave layer ${layer} no ${half} variant`
          : `no ${half} variant that the rules leave layer ${layer} can be had: ${left.map(({ name, failed }) => `${name} (${failed})`).join(', ')}`;
      return [{ path: [last], message: `${why}; ${possible(variants[half])}` }];
    }),
  );
}

function possible(variants: readonly NamedVariant[]): string {
  const names = variants.filter(({ failed }) => failed === undefined).map(({ name }) => name);
  return `possible: ${names.join(', ')}`;
}

const FLAG = /^\s*(\d{1,9})\s*:\s*(\w+)\s*=\s*(\S+)\s*$/;

/** Rules as on a command line, for example pins `3:attention=kv2` and bans `5:ffn=no-op`. */
export function parseRuleFlags(pins: readonly string[], bans: readonly string[]): LayerRule[] {
  return [
    ...pins.map((flag) => parseRuleFlag(flag, '--pin', (pin) => ({ pin }))),
    ...bans.map((flag) => parseRuleFlag(flag, '--ban', (name) => ({ ban: [name] }))),
  ];
}

/** `rules`, with those about a half that `replacements` decide about left out, and these added. */
export function replaceRules(rules: readonly LayerRule[], replacements: readonly LayerRule[]): LayerRule[] {
  const isReplaced = ({ layer, half }: LayerRule) =>
    replacements.some((rule) => rule.layer === layer && rule.half === half);
  return [...rules.filter((rule) => !isReplaced(rule)), ...replacements];
}

function parseRuleFlag(
  flag: string,
  where: string,
  decision: (name: string) => Pick<LayerRule, 'pin' | 'ban'>,
): LayerRule {
  const [, layer, side, name] = FLAG.exec(flag) ?? [];
  const half = HALVES.find((known) => known === side);
  if (half === undefined || name === undefined) {
    throw new InputError(
      `${quote(flag)} is not understood; write for example "3:attention=kv2" or "5:ffn=no-op"`,
      where,
    );
  }
  return { layer: Number(layer), half, ...decision(name) };
}
