import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InputError } from '../../common/errors.js';

// What is used of node-llama-cpp's native part. It is taken without the JavaScript around it, which would bring a build
// system and the libraries of every GPU, and is pinned to one version, for it is nobody's public interface.

export interface AddonModel {
  init: () => Promise<boolean>;
  dispose: () => Promise<void>;
  tokenize: (text: string, specialTokens: boolean) => Uint32Array;
}

export interface AddonContext {
  init: () => Promise<boolean>;
  dispose: () => Promise<void>;
  initBatch: (tokens: number) => void;
  /** Answers with the places in the batch of the tokens whose logits are asked for, by their index in `tokens`. */
  addToBatch: (sequence: number, position: number, tokens: Uint32Array, logits: Uint32Array) => Uint32Array;
  decodeBatch: () => Promise<void>;
  /** With `true`: the likeliest token, and pairs of token and probability, the likeliest first. */
  sampleToken: (place: number, sampler: AddonSampler, probabilities: true) => Promise<[number, number[]]>;
  disposeSequence: (sequence: number) => void;
}

export interface AddonSampler {
  dispose: () => void;
  applyConfig: (config: { temperature: number }) => void;
}

interface ContextParams {
  contextSize: number;
  batchSize: number;
  sequences: number;
  threads: number;
  flashAttention: 'auto' | false;
  /** Numbers of ggml types. */
  kvCacheKeyType: number;
  kvCacheValueType: number;
}

export interface Addon {
  AddonModel: new (path: string, params: { gpuLayers: 0; useMmap: boolean }) => AddonModel;
  AddonContext: new (model: AddonModel, params: ContextParams) => AddonContext;
  AddonSampler: new (model: AddonModel) => AddonSampler;
  setLogger: (logger: (level: number, message: string) => void) => void;
  setLoggerLogLevel: (level: number) => void;
  loadBackends: (dir: string) => void;
  init: () => Promise<void>;
}

/** The packages that hold llama.cpp for the CPU, by platform. */
const PACKAGES: Readonly<Record<string, string>> = {
  'darwin-arm64': 'mac-arm64-metal',
  'linux-arm64': 'linux-arm64',
  'linux-x64': 'linux-x64',
  'win32-arm64': 'win-arm64',
  'win32-x64': 'win-x64',
};

interface Library {
  /** Holds the addon, and the libraries it chooses from by what the processor can do. */
  dir: string;
  /** Of llama.cpp. */
  version: string;
}

/** Where llama.cpp lies, without loading it. Throws InputError where it is not installed, saying what would do. */
export function findLlamaCpp(platform = `${process.platform}-${process.arch}`): Library {
  const name = PACKAGES[platform];
  if (name === undefined) {
    const there = Object.keys(PACKAGES).join(', ');
    throw new InputError(`llama.cpp is not to be had for ${platform}; it is for ${there}`, 'target.engine');
  }
  const require = createRequire(import.meta.url);
  let entry: string;
  try {
    entry = require.resolve(`@node-llama-cpp/${name}`);
  } catch (error) {
    throw new InputError(
      `llama.cpp is not installed; its package is @node-llama-cpp/${name}: npm install --no-save @node-llama-cpp/${name}`,
      'target.engine',
      { cause: error },
    );
  }
  const dir = join(dirname(entry), '..', 'bins', name);
  const build = JSON.parse(readFileSync(join(dir, '_nlcBuildMetadata.json'), 'utf8')) as {
    buildOptions: { llamaCpp: { release: string } };
  };
  return { dir, version: build.buildOptions.llamaCpp.release };
}

/** Errors and worse; warnings and what is merely told are left out. */
const LOG_LEVEL = 2;

/** Loads llama.cpp into this process, once. What goes wrong inside it is written to `onError`. */
export async function loadLlamaCpp(onError: (line: string) => void): Promise<Addon> {
  const { dir } = findLlamaCpp();
  const addon = createRequire(import.meta.url)(join(dir, 'llama-addon.node')) as Addon;
  addon.setLoggerLogLevel(LOG_LEVEL);
  addon.setLogger((_, message) => {
    onError(message);
  });
  addon.loadBackends(dir);
  await addon.init();
  return addon;
}
