/** What stands in the half of a layer by its config; a size is null where the config does not give it. */
export type AttentionPart = Heads | Linear | NoOp | Mixer;
export type FfnPart = Dense | Experts | Linear | NoOp | Mixer;

/** Softmax attention. */
export interface Heads {
  kind: 'heads';
  heads: number | null;
  kvHeads: number | null;
  headDim: number | null;
  /** Tokens that one token attends to at most; null for all. */
  window: number | null;
}

/** One FFN with so many channels. */
export interface Dense {
  kind: 'dense';
  width: number | null;
}

/** FFNs of which a router picks some for each token. */
export interface Experts {
  kind: 'experts';
  count: number;
  active: number | null;
  /** Channels of each. */
  width: number | null;
  /** Channels of those that see every token, together; 0 where there are none. */
  sharedWidth: number;
}

/** One square matrix. */
export interface Linear {
  kind: 'linear';
}

export interface NoOp {
  kind: 'no-op';
}

/** Something that is not taken apart here, by the name that the config gives it. */
export interface Mixer {
  kind: 'mamba' | 'other';
  name: string;
}

export interface LayerParts {
  attention: AttentionPart;
  ffn: FfnPart;
}
