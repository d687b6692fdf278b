import { searchCore } from './core.js';
import type { Program } from './program.js';
import { search, type SearchOptions, type SearchResult } from './search.js';

/**
 * The least value and its proof: by the expanding core, and where that grows too large by branch and bound, which needs
 * no memory and goes on from the best answer known.
 */
export function prove(program: Program, options: SearchOptions): SearchResult {
  const core = searchCore(program, options);
  if (!core.tooLarge) return core;
  const { maxNodes = Infinity } = options;
  const branched = search(program, {
    ...options,
    ...(core.best === undefined ? {} : { incumbent: core.best }),
    maxNodes: Math.max(0, maxNodes - core.nodes),
  });
  return { ...branched, bound: Math.max(core.bound, branched.bound), nodes: core.nodes + branched.nodes };
}
