/** Fields of a tiny spec whose search goes on until it is stopped. */
export const ENDLESS = { uptrain: { tokens: 50_000_000, batch: 4, validateEvery: 4, patience: 10_000_000 } };
