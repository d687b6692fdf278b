import path from 'node:path';
import { sharedDir } from '../support/shared.js';

const ROOT = path.dirname(path.dirname(import.meta.dirname));

/** A parent to compare on, with its text and tasks: the fields of a spec that name them, absolute. */
export interface Subject {
  name: string;
  spec: { parent: string; data: { text: string }; tasks: string[] };
}

/** The embedded example, and stories260K where the folder of real models is there. */
export function subjects(): Subject[] {
  const example = (name: string) => path.join(ROOT, 'examples/stories', name);
  const shared = sharedDir();
  const subject = (name: string, parent: string, text: string, tasks: string): Subject => {
    return { name, spec: { parent, data: { text }, tasks: [tasks] } };
  };
  return [
    subject('example', example('model'), example('text.txt'), example('tasks')),
    ...(shared === undefined
      ? []
      : [
          subject(
            'stories260K',
            path.join(shared, 'models/stories260K'),
            path.join(shared, 'text/tinystories.txt'),
            path.join(shared, 'tasks'),
          ),
        ]),
  ];
}
