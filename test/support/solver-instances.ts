import { Random } from '../../src/common/random.js';
import type { Choice, Problem } from '../../src/solver/problem.js';
import { totalOf } from './solver-oracle.js';

/** The shapes of a layer's choices: every attention with every FFN. */
export interface InstanceSize {
  layers: number;
  /** KV heads of the attention variants, the parent's first; then come `linear` and `no-op`. */
  kvHeads: readonly number[];
  /** Widths of the FFN variants relative to the parent's, the parent's first; then come `linear` and `no-op`. */
  widths: readonly number[];
}

/** 80 layers x (4 + 2) x (7 + 2) = 54 choices: the space that Puzzle searched for a child of Llama-3.1-70B. */
export const SIZE_80_54: InstanceSize = {
  layers: 80,
  kvHeads: [8, 4, 2, 1],
  widths: [1, 0.87, 0.75, 0.5, 0.25, 0.2, 0.1],
};

/** 126 layers x (6 + 2) x (13 + 2) = 120 choices: as deep as Llama-3.1-405B, with a finer space. */
export const SIZE_126_120: InstanceSize = {
  layers: 126,
  kvHeads: [16, 8, 6, 4, 2, 1],
  widths: [1, 0.94, 0.87, 0.81, 0.75, 0.62, 0.5, 0.44, 0.37, 0.25, 0.2, 0.15, 0.1],
};

/** What share of the parent's costs the limits leave. */
export const TIGHTNESS = [0.45, 0.55, 0.65, 0.75, 0.85] as const;

const HIDDEN = 8192;
const HEAD_DIM = 128;
const HEADS = 64;
const FFN_WIDTH = 28672;
const MIB = 2 ** 20;
/** Sequences, and tokens of each, whose keys and values are held at once. */
const KV_TOKENS = 64 * 4096;

/**
 * An instance with the structure of a real search.
 *
 * Costs follow from shapes: `memory_mib` is weights at one byte and the KV cache; `runtime_ms` is the time of the
 * workload, part of which grows with the FLOPs of the projections, part with the cache that is read; `latency_ms` is that
 * of one sequence, where every present subblock also costs a fixed overhead. `noise` is the relative spread of a
 * measurement of the two times, anew in every layer; 0: the same costs in every layer.
 *
 * Scores are a KL per token, lognormal between layers, larger at both ends of the model, convex in what is taken away,
 * with a relative error of 10%; halves add up and then interact a little, as choices that are scored whole do. The three
 * limits leave `tightness` of what the parent has, each within 5%.
 */
export function puzzleInstance(size: InstanceSize, seed: number, tightness: number, noise: number): Problem {
  const random = Random.of(seed, `instance ${size.layers} ${tightness} ${noise}`);
  const attentions = [...size.kvHeads.map(attentionCost), linearCost(), noCost()];
  const ffns = [...size.widths.map(ffnCost), linearCost(), noCost()];
  const problem: Problem = {
    layers: Array.from({ length: size.layers }, (_, layer) => {
      const depth = layer / (size.layers - 1);
      const importance = Math.exp(0.7 * random.normal()) * (1 + 2 * (2 * depth - 1) ** 6);
      const attentionDrops = drops(random, attentions, 0.008 * importance * Math.exp(0.4 * random.normal()));
      const ffnDrops = drops(random, ffns, 0.02 * importance * Math.exp(0.4 * random.normal()));
      const jitter = () => 1 + noise * random.normal();
      const timed = (parts: readonly Part[]) =>
        parts.map((part) => ({ ...part, runtime: part.runtime * jitter(), latency: part.latency * jitter() }));
      const ownAttentions = noise === 0 ? attentions : timed(attentions);
      const ownFfns = noise === 0 ? ffns : timed(ffns);
      return {
        choices: ownAttentions.flatMap((attention, a) =>
          ownFfns.map((ffn, f): Choice => {
            const [first, second] = [attentionDrops[a] as number, ffnDrops[f] as number];
            return {
              name: `${attention.name} + ${ffn.name}`,
              score: first + second + 0.1 * Math.sqrt(Math.max(0, first * second)),
              costs: {
                memory_mib: attention.memory + ffn.memory,
                runtime_ms: attention.runtime + ffn.runtime,
                latency_ms: attention.latency + ffn.latency,
              },
            };
          }),
        ),
      };
    }),
    nonBlock: { memory_mib: 2004, runtime_ms: 900, latency_ms: 1.2 },
    limits: [],
  };
  const parent = problem.layers.map(() => 0);
  for (const cost of ['memory_mib', 'runtime_ms', 'latency_ms']) {
    const share = tightness * (1 + 0.05 * (2 * random.next() - 1));
    problem.limits.push({ cost, max: share * totalOf(problem, cost, parent) });
  }
  return problem;
}

/** What one half of a layer is and costs. */
interface Part {
  name: string;
  /** Share of the parent's half that is kept, which decides what is lost. */
  kept: number;
  memory: number;
  runtime: number;
  latency: number;
}

function part(name: string, kept: number, weights: number, cache: number): Part {
  return {
    name,
    kept,
    memory: (weights + cache) / MIB,
    // A thousand tokens through every weight at 400 TFLOP/s, and the cache read at 3 TB/s.
    runtime: 1e3 * ((2 * weights * 65_536) / 4e14 + cache / 3e12),
    latency: 1e3 * (weights / 3e12 + cache / 64 / 3e12) + (weights === 0 ? 0 : 0.012),
  };
}

function attentionCost(heads: number, _: number, all: readonly number[]): Part {
  const weights = 2 * HIDDEN * HEADS * HEAD_DIM + 2 * HIDDEN * heads * HEAD_DIM;
  return part(`kv${heads}`, 0.45 + (0.55 * heads) / (all[0] ?? heads), weights, 2 * heads * HEAD_DIM * KV_TOKENS);
}

function ffnCost(width: number): Part {
  return part(`ffn${100 * width}%`, 0.3 + 0.7 * width, 3 * HIDDEN * Math.round((FFN_WIDTH * width) / 256) * 256, 0);
}

const linearCost = () => part('linear', 0.2, HIDDEN * HIDDEN, 0);
const noCost = () => part('no-op', 0, 0, 0);

/** What each variant of a half loses: nothing the parent's, the whole scale the one that is nothing. */
function drops(random: Random, parts: readonly Part[], scale: number): number[] {
  return parts.map(({ kept }) => scale * (1 - kept) ** 1.6 * (1 + 0.1 * random.normal()));
}
