import * as l10n from '@vscode/l10n';
/** What each stage of a search does, in the order in which they happen. */
export const STAGE_TEXTS: ReadonlyMap<string, string> = new Map([
  ['space', l10n.t('Lists the variants of every layer and packs the text.')],
  ['distil', l10n.t('Trains every variant by itself to give what the parent gives in its place (BLD).')],
  ['score', l10n.t('Measures what the whole parent loses with each variant alone.')],
  ['measure', l10n.t('Times every distinct variant on this machine.')],
  ['couple', l10n.t('Trains together, and scores, the two variants of a layer that good solutions use.')],
  ['solve', l10n.t('Finds the architecture that loses least within the limits, and proves it.')],
  ['assemble', l10n.t('Writes the child from the parent and the block library.')],
  ['uptrain', l10n.t("Trains the whole child towards the parent's outputs (GKD).")],
  ['evaluate', l10n.t('Puts parent and child side by side: text, tasks, the clock.')],
  ['export', l10n.t("Writes the child's folder and the report.")],
]);
