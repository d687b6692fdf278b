/** Whether tensors are there: always, never, or as a field of the config says. */
export type Switch = boolean | { field: string; absent: boolean };

/** What the layers of a family hold beyond what the sizes in its config say: enough to count every parameter. */
export interface Family {
  /** Biases on the query, key and value projections. */
  qkvBias: Switch;
  /** A bias on the attention's output projection. */
  outputBias: Switch;
  /** One norm for the query heads and one for the key heads, each of a head's size. */
  queryKeyNorm: boolean;
  /** A learnt logit per query head that stands for attending to nothing. */
  sinks: boolean;
  /** 3: gate, up and down. 2: up and down. */
  ffnMatrices: 2 | 3;
  ffnBias: Switch;
  /** Norm vectors in each half. */
  norms: 1 | 2;
  experts: ExpertFamily | null;
  absent: AbsentFields;
}

/** What the family's own code takes where a field is absent. */
interface AbsentFields {
  /** Null for as many as query heads. */
  kvHeads: number | null;
  /** Null for the hidden size divided by the query heads. */
  headDim: number | null;
  tied: boolean;
  /** Of a model with a window: every how manyth layer attends to all tokens all the same. Null for none. */
  fullEvery: number | null;
}

/** How a mixture of experts differs from so many FFNs and a router matrix. */
export interface ExpertFamily {
  /** Biases inside every expert. */
  bias: boolean;
  routerBias: boolean;
  /** A matrix of one row that weighs the shared expert. */
  sharedGate: boolean;
}

const ABSENT: AbsentFields = { kvHeads: null, headDim: null, tied: false, fullEvery: null };
const PLAIN: Family = {
  qkvBias: false,
  outputBias: false,
  queryKeyNorm: false,
  sinks: false,
  ffnMatrices: 3,
  ffnBias: false,
  norms: 1,
  experts: null,
  absent: ABSENT,
};
const PLAIN_EXPERTS: ExpertFamily = { bias: false, routerBias: false, sharedGate: false };

/** A bias on all four projections of attention, if the field says so. */
function biasByField(absent: boolean): Pick<Family, 'qkvBias' | 'outputBias'> {
  const bias = { field: 'attention_bias', absent };
  return { qkvBias: bias, outputBias: bias };
}

const LLAMA: Family = { ...PLAIN, ...biasByField(false), ffnBias: { field: 'mlp_bias', absent: false } };
const QWEN3: Family = { ...PLAIN, ...biasByField(false), queryKeyNorm: true };
const GEMMA: Family = { ...PLAIN, ...biasByField(false), absent: { ...ABSENT, kvHeads: 16, headDim: 256, tied: true } };

/** The families whose tensors are known, by `model_type`. */
const FAMILIES: Readonly<Record<string, Family>> = {
  llama: LLAMA,
  'nemotron-nas': LLAMA,
  granite: LLAMA,
  deci: PLAIN,
  phi3: PLAIN,
  mistral: { ...PLAIN, absent: { ...ABSENT, kvHeads: 8 } },
  qwen2: { ...PLAIN, qkvBias: true, absent: { ...ABSENT, kvHeads: 32 } },
  qwen3: { ...QWEN3, absent: { ...ABSENT, kvHeads: 32, headDim: 128 } },
  gemma: GEMMA,
  gemma2: { ...GEMMA, norms: 2, absent: { ...GEMMA.absent, kvHeads: 4, fullEvery: 2 } },
  gemma3_text: { ...GEMMA, norms: 2, queryKeyNorm: true, absent: { ...GEMMA.absent, kvHeads: 4, fullEvery: 6 } },
  mixtral: { ...PLAIN, experts: PLAIN_EXPERTS, absent: { ...ABSENT, kvHeads: 8 } },
  qwen2_moe: {
    ...PLAIN,
    qkvBias: { field: 'qkv_bias', absent: true },
    experts: { ...PLAIN_EXPERTS, sharedGate: true },
    absent: { ...ABSENT, kvHeads: 16 },
  },
  qwen3_moe: { ...QWEN3, experts: PLAIN_EXPERTS, absent: { ...ABSENT, kvHeads: 4 } },
  gpt_oss: {
    ...PLAIN,
    ...biasByField(true),
    sinks: true,
    experts: { bias: true, routerBias: true, sharedGate: false },
    absent: { ...ABSENT, kvHeads: 8, headDim: 64 },
  },
  // Its layers hold one half each, and its Mamba layers and experts are not counted.
  nemotron_h: { ...LLAMA, ffnMatrices: 2, absent: { ...ABSENT, kvHeads: 8 } },
};

/** The family of a `model_type`; undefined where its tensors are not known. */
export function familyOf(modelType: string): Family | undefined {
  return Object.hasOwn(FAMILIES, modelType) ? FAMILIES[modelType] : undefined;
}
