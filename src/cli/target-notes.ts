import { count, significant } from '../common/units.js';
import type { SweptArchitecture } from '../search/sweep.js';

/** What a reader of predicted figures must know: which batch they are at, and whether anything was measured. */
export function targetNotes({ batches, estimated, workload }: SweptArchitecture, name?: string): string[] {
  const about = name === undefined ? '' : `${name}: `;
  const outcomes = batches?.map(({ batch, objective, throughput }) =>
    objective === null || throughput === null
      ? `${batch}: none`
      : `${batch}: ${significant(objective)} at ${count(throughput)} tokens/s`,
  );
  return [
    ...(outcomes === undefined ? [] : [`${about}the best batch is ${workload.batch} (${outcomes.join('; ')}).`]),
    ...(estimated === undefined ? [] : [`${about}times and throughput are ${estimated}; nothing was measured.`]),
  ];
}
