import type { CommandId } from '../manifest/commands.js';
import { openExample, runExample } from '../wizard/example-commands.js';
import { startSearch } from '../wizard/start-search.js';
import { copyDiagnostics } from './diagnostics.js';
import type { Handler } from './handler.js';
import { openPuzzletron } from './open-puzzletron.js';
import { compare, exportChild, revealChild, solveAgain } from './result-commands.js';
import { cancel, openPanel, pause, refreshRuns, restartWorker, resume, showLog } from './run-commands.js';
import { showMap } from './show-map.js';

/** What each command of the manifest does. */
export const HANDLERS: Readonly<{ [Id in CommandId]: Handler }> = {
  'puzzle.startSearch': startSearch,
  'puzzle.resume': resume,
  'puzzle.pause': pause,
  'puzzle.cancel': cancel,
  'puzzle.openPanel': openPanel,
  'puzzle.showMap': showMap,
  'puzzle.openPuzzletron': openPuzzletron,
  'puzzle.solveAgain': solveAgain,
  'puzzle.compare': compare,
  'puzzle.exportChild': exportChild,
  'puzzle.revealChild': revealChild,
  'puzzle.showLog': showLog,
  'puzzle.refreshRuns': refreshRuns,
  'puzzle.copyDiagnostics': copyDiagnostics,
  'puzzle.runExample': runExample,
  'puzzle.openExample': openExample,
  'puzzle.restartWorker': restartWorker,
};
