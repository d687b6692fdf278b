import * as z from 'zod';

/**
 * What people read in another language, by the English text: what the editor has loaded of `l10n/bundle.l10n.*.json`.
 * Empty for English. It comes with the page of a panel, for even constants are made of it.
 */
export const textsSchema = z.record(z.string(), z.string());
export type Texts = z.infer<typeof textsSchema>;
