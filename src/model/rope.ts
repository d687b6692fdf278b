import type { ModelConfig, RopeScaling } from '../formats/hf-config.js';

/** Angular frequency of each rotated pair, after scaling; length headDim/2. */
export function ropeFrequencies(headDim: number, theta: number, scaling: RopeScaling | null): Float64Array {
  const frequencies = Float64Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
  return scaling === null ? frequencies : frequencies.map((frequency) => scale(frequency, scaling));
}

function scale(frequency: number, scaling: RopeScaling): number {
  if (scaling.type === 'linear') return frequency / scaling.factor;
  // Llama 3: long wavelengths are stretched by `factor`, short ones kept, those between interpolated.
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < originalMaxPositionEmbeddings / highFreqFactor) return frequency;
  if (wavelength > originalMaxPositionEmbeddings / lowFreqFactor) return frequency / factor;
  const smooth = (originalMaxPositionEmbeddings / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** Cosines and sines for positions 0..positions-1, each [positions, headDim/2], row-major. */
export function ropeTables(
  config: Pick<ModelConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>,
  positions: number,
): { cos: Float32Array; sin: Float32Array } {
  const frequencies = ropeFrequencies(config.headDim, config.ropeTheta, config.ropeScaling);
  const half = frequencies.length;
  const angle = (i: number) => Math.floor(i / half) * (frequencies[i % half] ?? 0);
  const table = (f: (x: number) => number) => Float32Array.from({ length: positions * half }, (_, i) => f(angle(i)));
  return { cos: table(Math.cos), sin: table(Math.sin) };
}
