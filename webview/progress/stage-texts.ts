/** What each stage of a search does, in the order in which they happen. */
export const STAGE_TEXTS: ReadonlyMap<string, string> = new Map([
  ['space', 'Lists the variants of every layer and packs the text.'],
  ['distil', 'Trains every variant by itself to give what the parent gives in its place (BLD).'],
  ['score', 'Measures what the whole parent loses with each variant alone.'],
  ['measure', 'Times every distinct variant on this machine.'],
  ['couple', 'Trains together, and scores, the two variants of a layer that good solutions use.'],
  ['solve', 'Finds the architecture that loses least within the limits, and proves it.'],
  ['assemble', 'Writes the child from the parent and the block library.'],
  ['uptrain', "Trains the whole child towards the parent's outputs (GKD)."],
  ['evaluate', 'Puts parent and child side by side: text, tasks, the clock.'],
  ['export', "Writes the child's folder and the report."],
]);
