import { CONTEXT_KEYS } from './context-keys.js';

interface Step {
  id: string;
  title: string;
  description: string;
  completionEvents: readonly string[];
  image: string;
  altText: string;
}

const STEPS: readonly Step[] = [
  {
    id: 'open',
    title: 'Open the example',
    description:
      'A small trained model with its text and tasks. The spec says what to search for: here, a child that is more than twice as fast.\n[Open the Example](command:puzzle.openExample)',
    completionEvents: ['onCommand:puzzle.openExample', 'onCommand:puzzle.runExample'],
    image: 'open.svg',
    altText: 'A spec: the parent, its text, and the limit that the child must keep.',
  },
  {
    id: 'start',
    title: 'Start the search',
    description:
      'Start Search checks what a search needs, then works in a process of its own: closing the window does not stop it.\n[Run the Example Search](command:puzzle.runExample)',
    completionEvents: [`onContext:${CONTEXT_KEYS.running}`, `onContext:${CONTEXT_KEYS.finished}`],
    image: 'start.svg',
    altText: 'The nine stages of a search, one after the other.',
  },
  {
    id: 'watch',
    title: 'Watch it',
    description:
      'The panel shows every stage with the time left and the loss of each variant as it learns. The status bar and the Runs view show how far it is.\n[Open Search Panel](command:puzzle.openPanel)',
    completionEvents: ['onCommand:puzzle.openPanel', `onContext:${CONTEXT_KEYS.finished}`],
    image: 'watch.svg',
    altText: 'Loss curves that fall as the variants of each layer learn.',
  },
  {
    id: 'read',
    title: 'Read the result',
    description:
      'One row a layer: how much of its attention and of its feed-forward network the child keeps. Change a limit in the panel, and the best architecture under it is found at once.\n[Reveal Child Model](command:puzzle.revealChild)',
    completionEvents: [`onContext:${CONTEXT_KEYS.finished}`],
    image: 'read.svg',
    altText: 'The architecture map: bars of different length for the attention and the FFN of each layer.',
  },
];

export const WALKTHROUGH = {
  id: 'start',
  title: 'Find a smaller, faster model',
  description: 'From the example model to a child of your own, in a few minutes.',
  icon: 'media/icon.png',
  steps: STEPS.map(({ image, altText, ...step }) => ({
    ...step,
    media: { svg: `media/walkthrough/${image}`, altText },
  })),
};
