import { CONTEXT_KEYS } from './context-keys.js';

/** Menus that commands of this extension stand in. */
export type Menu = 'editor/title' | 'explorer/context' | 'view/title' | 'view/item/context';

interface Place {
  menu: Menu;
  when: string;
  group: string;
}

export interface CommandEntry {
  title: string;
  /** A codicon. */
  icon?: string;
  /** When it can be given at all; absent: always. */
  enablement?: string;
  /** `internal`: for buttons and other code; it does not stand in the palette. */
  internal?: true;
  places?: readonly Place[];
}

const TRUSTED = 'isWorkspaceTrusted';
const SPEC = 'resourceFilename =~ /\\.puzzle\\.json$/';
const CONFIG = 'resourceFilename == config.json';
const MODEL_FOLDER = `explorerResourceIsFolder && resourcePath in ${CONTEXT_KEYS.modelFolders}`;
const PUZZLETRON = `explorerResourceIsFolder && resourcePath in ${CONTEXT_KEYS.puzzletronFolders} || resourceFilename == replacement_library.json`;

/** A run in the tree whose state, the end of its context value, is one of these. */
const runIs = (...states: string[]): string => `view == puzzle.runs && viewItem =~ /^run\\.(${states.join('|')})$/`;
const ANY_RUN = 'view == puzzle.runs && viewItem =~ /^run\\./';

const inline = (when: string, order: number): Place => ({ menu: 'view/item/context', when, group: `inline@${order}` });
const item = (when: string, group: string): Place => ({ menu: 'view/item/context', when, group });

/**
 * Every command. The manifest is made from this table, and `commands/handlers.ts` must have a handler for each. A
 * command may be given, as its first argument, what it is about: the Uri of a spec, a config, a model folder or a Puzzletron
 * directory, a run directory, or a run of the tree; without one it looks at the active editor, and then asks.
 */
export const COMMANDS = {
  'puzzle.startSearch': {
    title: 'Start Search…',
    icon: 'play',
    enablement: TRUSTED,
    places: [
      { menu: 'editor/title', when: SPEC, group: 'navigation@1' },
      { menu: 'explorer/context', when: `${SPEC} || ${CONFIG} || ${MODEL_FOLDER}`, group: '3_puzzle@1' },
      { menu: 'view/title', when: 'view == puzzle.runs', group: 'navigation@1' },
    ],
  },
  'puzzle.resume': {
    title: 'Resume Search',
    icon: 'debug-continue',
    enablement: `${TRUSTED} && ${CONTEXT_KEYS.resumable}`,
    places: [inline(runIs('paused', 'failed', 'cancelled', 'interrupted'), 1)],
  },
  'puzzle.pause': {
    title: 'Pause',
    icon: 'debug-pause',
    enablement: `${TRUSTED} && ${CONTEXT_KEYS.running}`,
    places: [inline(runIs('running'), 1)],
  },
  'puzzle.cancel': {
    title: 'Cancel',
    icon: 'debug-stop',
    enablement: `${TRUSTED} && ${CONTEXT_KEYS.alive}`,
    places: [inline(runIs('running', 'paused'), 2)],
  },
  'puzzle.openPanel': {
    title: 'Open Search Panel',
    icon: 'open-preview',
    enablement: `${CONTEXT_KEYS.runs} || ${SPEC}`,
    places: [inline(ANY_RUN, 3), { menu: 'editor/title', when: SPEC, group: 'navigation@2' }],
  },
  'puzzle.showMap': {
    title: 'Show Architecture Map',
    icon: 'layers',
    places: [{ menu: 'explorer/context', when: `${CONFIG} || ${MODEL_FOLDER}`, group: '3_puzzle@2' }],
  },
  'puzzle.openPuzzletron': {
    title: 'Open Puzzletron Directory…',
    icon: 'library',
    places: [{ menu: 'explorer/context', when: PUZZLETRON, group: '3_puzzle@3' }],
  },
  'puzzle.solveAgain': {
    title: 'Solve Again',
    icon: 'symbol-operator',
    enablement: CONTEXT_KEYS.solvable,
    places: [item(ANY_RUN, '1_result@1')],
  },
  'puzzle.compare': {
    title: 'Compare Runs…',
    icon: 'compare-changes',
    enablement: CONTEXT_KEYS.finished,
    places: [item(runIs('done'), '1_result@2')],
  },
  'puzzle.exportChild': {
    title: 'Export Child…',
    icon: 'export',
    enablement: `${TRUSTED} && ${CONTEXT_KEYS.finished}`,
    places: [item(runIs('done'), '1_result@3')],
  },
  'puzzle.revealChild': {
    title: 'Reveal Child Model',
    icon: 'folder-opened',
    enablement: CONTEXT_KEYS.finished,
    places: [item(runIs('done'), '1_result@4')],
  },
  'puzzle.showLog': {
    title: 'Show Log',
    icon: 'output',
    places: [item(ANY_RUN, '2_log@1')],
  },
  'puzzle.refreshRuns': {
    title: 'Refresh Runs',
    icon: 'refresh',
    places: [{ menu: 'view/title', when: 'view == puzzle.runs', group: 'navigation@2' }],
  },
  'puzzle.copyDiagnostics': { title: 'Copy Diagnostics', icon: 'copy' },
  'puzzle.runExample': {
    title: 'Run the Example Search',
    icon: 'rocket',
    enablement: TRUSTED,
    places: [{ menu: 'view/title', when: 'view == puzzle.runs', group: '1_example@1' }],
  },
  'puzzle.openExample': { title: 'Open the Example', icon: 'mortar-board' },
  'puzzle.restartWorker': { title: 'Restart Worker', icon: 'debug-restart', internal: true },
} as const satisfies Record<`puzzle.${string}`, CommandEntry>;

export type CommandId = keyof typeof COMMANDS;
