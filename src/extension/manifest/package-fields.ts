import { COMMANDS, type CommandEntry, type CommandId } from './commands.js';
import { SETTINGS } from './settings.js';
import { TASK_DEFINITIONS } from './tasks.js';
import { VIEWS } from './views.js';
import { WALKTHROUGH } from './walkthrough.js';

/** File name pattern of specs. */
const SPEC_PATTERN = '*.puzzle.json';

/** Member names whose texts people read; they go to package.nls.json, where they can be translated. */
const TEXTS: ReadonlySet<string> = new Set([
  ...['title', 'name', 'contextualTitle', 'category', 'contents', 'description', 'altText'],
]);
/** What an item of a list is called by in keys; without any, by its number. */
const NAMES = ['id', 'command', 'type'] as const;

export interface PackageFields {
  /** Fields of package.json that are made here; the others are written by hand. */
  fields: Record<string, unknown>;
  /** package.nls.json: the texts that `%keys%` in the fields stand for. */
  texts: Record<string, string>;
}

/** What package.json says of the extension, made from the tables of this folder. */
export function packageFields(): PackageFields {
  const texts: Record<string, string> = {};
  const contributes = extractTexts(contributions(), [], texts) as Record<string, unknown>;
  const trust = 'Models, maps and runs can be looked at. Searches and exports, which write files, are not started.';
  texts['untrusted'] = trust;
  texts['virtual'] = 'A search reads weights and writes runs on a disk, by processes of its own.';
  return {
    fields: {
      publisher: 'puzzle-nas',
      icon: 'media/icon.png',
      l10n: './l10n',
      categories: ['Machine Learning', 'Visualization'],
      keywords: ['llm', 'neural architecture search', 'distillation', 'model compression', 'puzzle'],
      extensionKind: ['workspace'],
      capabilities: {
        untrustedWorkspaces: { supported: 'limited', description: '%untrusted%' },
        virtualWorkspaces: { supported: false, description: '%virtual%' },
      },
      activationEvents: [
        'workspaceContains:**/*.puzzle.json',
        // Any config.json may be a model's: only its text tells.
        'onLanguage:json',
        ...['search', 'configMap', 'comparison', 'imported'].map((panel) => `onWebviewPanel:puzzle.${panel}`),
      ],
      contributes,
    },
    texts,
  };
}

function contributions(): Record<string, unknown> {
  return {
    commands: entries().map(([command, { title, icon, enablement }]) => ({
      ...{ command, title, category: 'Puzzle' },
      ...(icon === undefined ? {} : { icon: `$(${icon})` }),
      ...(enablement === undefined ? {} : { enablement }),
    })),
    menus: menus(),
    ...VIEWS,
    configuration: {
      title: 'Puzzle',
      properties: Object.fromEntries(Object.entries(SETTINGS).map(([name, setting]) => [`puzzle.${name}`, setting])),
    },
    languages: [{ id: 'jsonc', filenamePatterns: [SPEC_PATTERN] }],
    jsonValidation: [{ fileMatch: SPEC_PATTERN, url: './media/puzzle-spec.schema.json' }],
    taskDefinitions: TASK_DEFINITIONS,
    walkthroughs: [WALKTHROUGH],
  };
}

function entries(): [CommandId, CommandEntry][] {
  return Object.entries(COMMANDS) as [CommandId, CommandEntry][];
}

function menus(): Record<string, unknown[]> {
  const hidden = entries().filter(([, { internal }]) => internal);
  const menus: Record<string, unknown[]> = { commandPalette: hidden.map(([command]) => ({ command, when: 'false' })) };
  for (const [command, { places = [] }] of entries()) {
    for (const { menu, when, group } of places) (menus[menu] ??= []).push({ command, when, group });
  }
  return menus;
}

/** The same value with `%key%` in place of each text, which is put into `texts`. Keys are the way to the text. */
function extractTexts(value: unknown, way: readonly string[], texts: Record<string, string>): unknown {
  if (Array.isArray(value)) {
    return value.map((item, i) => extractTexts(item, [...way, nameOf(item) ?? String(i)], texts));
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value as Record<string, unknown>).map(([name, member]) => {
    if (typeof member !== 'string' || !TEXTS.has(name)) return [name, extractTexts(member, [...way, name], texts)];
    const key = name === 'category' ? name : [...way, name].join('.');
    if (texts[key] !== undefined && texts[key] !== member) throw new Error(`two texts are called ${key}`);
    texts[key] = member;
    return [name, `%${key}%`];
  });
  return Object.fromEntries(members) as Record<string, unknown>;
}

function nameOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const members = item as Record<string, unknown>;
  return NAMES.map((name) => members[name]).find((name) => typeof name === 'string');
}
