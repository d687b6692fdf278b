/** A program that this editor's own Node runs. */
export interface Program {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
}

/** Variables that are meant for the extension host itself, or would make another Node of it. */
const NOT_INHERITED = /^(VSCODE_|NODE_OPTIONS$)/;

/**
 * A script in a process of its own, run by what runs the extension host: under Electron that is Node only when asked.
 *
 * @param script absolute path
 */
export function nodeProgram(script: string, ...args: readonly string[]): Program {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name));
  return {
    command: process.execPath,
    args: [script, ...args],
    env: { ...Object.fromEntries(inherited), ELECTRON_RUN_AS_NODE: '1' },
  };
}
