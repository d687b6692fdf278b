/**
 * The forward pass of every architecture, written to be read: float64, one loop per formula, nothing shared with the
 * program it checks but the type of its configuration. Weights come by their Hugging Face names, flat and row-major, each
 * matrix [out, in].
 */
import type { AttentionShape, FfnShape, ModelConfig } from '../../src/formats/hf-config.js';

/** Weights by name. */
export type NamedWeights = ReadonlyMap<string, ArrayLike<number>>;

/** One vector per token of a sequence. */
export type Rows = readonly Float64Array[];

export interface ReferenceForward {
  /** The residual stream: after the embedding, then after each layer. layers + 1 entries of [tokens][hiddenSize]. */
  hidden: Rows[];
  /** [tokens][vocabSize]: what follows each token. */
  logits: Rows;
}

/** The whole model over one sequence that starts at position 0. */
export function referenceForward(config: ModelConfig, weights: NamedWeights, ids: readonly number[]): ReferenceForward {
  const embedding = weight(weights, 'model.embed_tokens.weight');
  let x: Rows = ids.map((id) => row(embedding, id, config.hiddenSize));
  const hidden = [x];
  config.layers.forEach(({ attention, ffn }, layer) => {
    const ofLayer = layerWeights(weights, layer);
    x = referenceAttention(config, attention, ofLayer, x);
    x = referenceFfn(config, ffn, ofLayer, x);
    hidden.push(x);
  });
  return { hidden, logits: referenceHead(config, weights, x) };
}

/** The logits of hidden states after the last layer. */
export function referenceHead(config: ModelConfig, weights: NamedWeights, x: Rows): Rows {
  const head = weight(weights, config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
  const finalNorm = weight(weights, 'model.norm.weight');
  return x.map((token) => multiply(head, config.vocabSize, rmsNorm(token, finalNorm, config.rmsNormEps)));
}

/** The attention half of one layer with its residual; weights by their names within the layer. */
export function referenceAttention(config: ModelConfig, shape: AttentionShape, weights: NamedWeights, x: Rows): Rows {
  if (shape.kind === 'no-op') return x;
  const norm = weight(weights, 'input_layernorm.weight');
  const normed = x.map((token) => rmsNorm(token, norm, config.rmsNormEps));
  const output =
    shape.kind === 'linear' ? linearAttention(weights, normed) : gqa(config, shape.kvHeads, weights, normed);
  return x.map((token, t) => add(token, at(output, t)));
}

/** The FFN half of one layer with its residual; weights by their names within the layer. */
export function referenceFfn(config: ModelConfig, shape: FfnShape, weights: NamedWeights, x: Rows): Rows {
  if (shape.kind === 'no-op') return x;
  const norm = weight(weights, 'post_attention_layernorm.weight');
  return x.map((token) => {
    const normed = rmsNorm(token, norm, config.rmsNormEps);
    return add(
      token,
      shape.kind === 'linear' ? linearFfn(weights, normed) : gatedFfn(config, shape.width, weights, normed),
    );
  });
}

/** Negative log-likelihood, in nats, of each token after the first. */
export function referenceNll(logits: Rows, ids: readonly number[]): number[] {
  return ids.slice(1).map((id, t) => {
    const scores = at(logits, t);
    return logSumExp(scores) - at(scores, id);
  });
}

/** KL(parent || child), in nats, at each token. */
export function referenceKl(parent: Rows, child: Rows): number[] {
  return parent.map((p, t) => {
    const q = at(child, t);
    const [zp, zq] = [logSumExp(p), logSumExp(q)];
    return sum(p.map((score, i) => Math.exp(score - zp) * (score - zp - (at(q, i) - zq))));
  });
}

/** The weights of one layer by their names within it. */
export function layerWeights(weights: NamedWeights, layer: number): NamedWeights {
  const prefix = `model.layers.${layer}.`;
  const own = [...weights].filter(([name]) => name.startsWith(prefix));
  return new Map(own.map(([name, values]) => [name.slice(prefix.length), values]));
}

// --- attention -------------------------------------------------------------------------------------------------------

function linearAttention(weights: NamedWeights, normed: Rows): Rows {
  const matrix = weight(weights, 'self_attn.linear_attn.weight');
  return normed.map((token) => multiply(matrix, token.length, token));
}

/** Grouped-query attention: query head h reads key-value head floor(h / (heads / kvHeads)). */
function gqa(config: ModelConfig, kvHeads: number, weights: NamedWeights, normed: Rows): Rows {
  const { heads, headDim, hiddenSize, attentionBias } = config;
  const projected = (name: string, ofHeads: number) =>
    normed.map((token) => {
      const whole = project(weights, `self_attn.${name}`, ofHeads * headDim, attentionBias, token);
      return Array.from({ length: ofHeads }, (_, h) => whole.slice(h * headDim, (h + 1) * headDim));
    });
  const frequencies = rotaryFrequencies(config);
  const rotated = (tokens: Float64Array[][]) =>
    tokens.map((ofHeads, position) => ofHeads.map((head) => rotate(head, position, frequencies)));
  const queries = rotated(projected('q_proj', heads));
  const keys = rotated(projected('k_proj', kvHeads));
  const values = projected('v_proj', kvHeads);

  return queries.map((ofHeads, position) => {
    const mixed = ofHeads.flatMap((query, h) => {
      const kv = Math.floor(h / (heads / kvHeads));
      const past = Array.from({ length: position + 1 }, (_, t) => t);
      const scores = Float64Array.from(past, (t) => dot(query, at(at(keys, t), kv)) / Math.sqrt(headDim));
      const shares = softmax(scores);
      return Array.from({ length: headDim }, (_, d) =>
        sum(past.map((t) => at(shares, t) * at(at(at(values, t), kv), d))),
      );
    });
    return project(weights, 'self_attn.o_proj', hiddenSize, attentionBias, Float64Array.from(mixed));
  });
}

/** Radians per position of each rotated pair; pair i is the dimensions i and i + headDim / 2. */
export function rotaryFrequencies(config: Pick<ModelConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>): number[] {
  const { headDim, ropeTheta, ropeScaling: scaling } = config;
  const plain = Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim));
  if (scaling === null) return plain;
  if (scaling.type === 'linear') return plain.map((frequency) => frequency / scaling.factor);

  // Llama 3.1: pairs that turn often within the original context keep their frequency, pairs that turn rarely are slowed
  // down by `factor`, those between get a mixture.
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  return plain.map((frequency) => {
    const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)));
    return kept * frequency + ((1 - kept) * frequency) / factor;
  });
}

function rotate(head: Float64Array, position: number, frequencies: readonly number[]): Float64Array {
  const half = frequencies.length;
  const rotated = new Float64Array(head.length);
  frequencies.forEach((frequency, i) => {
    const [cos, sin] = [Math.cos(position * frequency), Math.sin(position * frequency)];
    const [a, b] = [at(head, i), at(head, i + half)];
    rotated[i] = a * cos - b * sin;
    rotated[i + half] = b * cos + a * sin;
  });
  return rotated;
}

// --- FFN -------------------------------------------------------------------------------------------------------------

function linearFfn(weights: NamedWeights, token: Float64Array): Float64Array {
  return multiply(weight(weights, 'mlp.linear_mlp.weight'), token.length, token);
}

/** down(silu(gate(x)) * up(x)) */
function gatedFfn(config: ModelConfig, width: number, weights: NamedWeights, token: Float64Array): Float64Array {
  const gate = project(weights, 'mlp.gate_proj', width, config.mlpBias, token);
  const up = project(weights, 'mlp.up_proj', width, config.mlpBias, token);
  const activation = gate.map((g, i) => (g / (1 + Math.exp(-g))) * at(up, i));
  return project(weights, 'mlp.down_proj', config.hiddenSize, config.mlpBias, activation);
}

// --- vectors ---------------------------------------------------------------------------------------------------------

function rmsNorm(x: Float64Array, gain: ArrayLike<number>, eps: number): Float64Array {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + eps);
  return x.map((value, i) => value * scale * at(gain, i));
}

function project(weights: NamedWeights, name: string, out: number, bias: boolean, x: Float64Array): Float64Array {
  const product = multiply(weight(weights, `${name}.weight`), out, x);
  return bias ? add(product, weight(weights, `${name}.bias`)) : product;
}

/** Matrix [out, x.length] times x. */
function multiply(matrix: ArrayLike<number>, out: number, x: Float64Array): Float64Array {
  const isMatrix = matrix.length === out * x.length;
  if (!isMatrix) throw new Error(`${matrix.length} weights are not a [${out}, ${x.length}] matrix`);
  return Float64Array.from({ length: out }, (_, o) => dot(row(matrix, o, x.length), x));
}

function row(matrix: ArrayLike<number>, index: number, width: number): Float64Array {
  return Float64Array.from({ length: width }, (_, i) => at(matrix, index * width + i));
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += at(a, i) * at(b, i);
  return total;
}

function add(a: Float64Array, b: ArrayLike<number>): Float64Array {
  return a.map((value, i) => value + at(b, i));
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((total, value) => total + value, 0);
}

function softmax(scores: Float64Array): Float64Array {
  const total = logSumExp(scores);
  return scores.map((score) => Math.exp(score - total));
}

function logSumExp(scores: Float64Array): number {
  const top = scores.reduce((a, b) => Math.max(a, b));
  return top + Math.log(sum(scores.map((score) => Math.exp(score - top))));
}

/** An element that is there: a wrong index must not pass as NaN. */
function at<T>(values: ArrayLike<T>, index: number): T {
  const value = values[index];
  if (value === undefined) throw new Error(`index ${index} of ${values.length}`);
  return value;
}

function weight(weights: NamedWeights, name: string): ArrayLike<number> {
  const values = weights.get(name);
  if (values === undefined) throw new Error(`no weight is called ${name}`);
  return values;
}
