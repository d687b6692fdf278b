import type createGlpk from 'glpk.js/node';
import type { GLPK } from 'glpk.js/node';

let loading: Promise<GLPK> | undefined;

/**
 * GLPK. Its module looks for its .wasm file beside itself, so it is loaded from its own folder and never becomes part of
 * a bundle: hence the address that a bundler cannot follow.
 */
export function loadGlpk(): Promise<GLPK> {
  loading ??= import(import.meta.resolve('glpk.js/node')).then(async (module: { default: typeof createGlpk }) => {
    return await module.default();
  });
  return loading;
}
