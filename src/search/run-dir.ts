import path from 'node:path';

const SPEC_SUFFIX = /(\.puzzle)?\.jsonc?$/;

/** The directory of a spec's run when none is named: `.puzzle/<name>/` beside the spec. */
export function defaultRunDir(specFile: string): string {
  const name = path.basename(specFile).replace(SPEC_SUFFIX, '');
  return path.join(path.dirname(path.resolve(specFile)), '.puzzle', name);
}

/** The spec that a run directory is the default of. */
export function defaultSpec(runDir: string): string {
  return path.join(path.dirname(path.dirname(path.resolve(runDir))), `${path.basename(runDir)}.puzzle.json`);
}
