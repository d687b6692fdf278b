import { fileURLToPath } from 'node:url';

const inRepository = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

export const EXAMPLE_SPEC = inRepository('examples/stories.puzzle.json');
export const EXAMPLE_TEXT = inRepository('examples/stories/text.txt');
export const EXAMPLE_PARENT = inRepository('examples/stories/model');
/** The built command line. */
export const PUZZLE = inRepository('dist/puzzle.js');
