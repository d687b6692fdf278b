/** Id of the activity bar's container, and of the only view in it. */
const CONTAINER = 'puzzle';
export const RUNS_VIEW = 'puzzle.runs';

export const VIEWS = {
  viewsContainers: { activitybar: [{ id: CONTAINER, title: 'Puzzle', icon: 'media/activity-bar.svg' }] },
  views: {
    [CONTAINER]: [
      { id: RUNS_VIEW, name: 'Runs', contextualTitle: 'Puzzle', icon: 'media/activity-bar.svg', visibility: 'visible' },
    ],
  },
  viewsWelcome: [
    {
      view: RUNS_VIEW,
      when: 'isWorkspaceTrusted',
      contents: [
        'Make a trained language model smaller and faster. The example takes a few minutes on this machine.',
        '[Run the Example Search](command:puzzle.runExample)',
        'Or take a model of your own: a folder with config.json, weights and tokenizer.',
        '[Start Search…](command:puzzle.startSearch)',
        '[Look at the example first](command:puzzle.openExample), or at [the map of any model](command:puzzle.showMap).',
      ].join('\n'),
    },
    {
      view: RUNS_VIEW,
      when: '!isWorkspaceTrusted',
      contents: [
        'In restricted mode models and runs can be looked at, but no search is started.',
        '[Show Architecture Map](command:puzzle.showMap)',
        '[Manage Workspace Trust](command:workbench.trust.manage)',
      ].join('\n'),
    },
  ],
} as const;
