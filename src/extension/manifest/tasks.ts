/** Type of the tasks that search, in tasks.json. */
export const TASK_TYPE = 'puzzle';

export const TASK_DEFINITIONS = [
  {
    type: TASK_TYPE,
    required: ['spec'],
    properties: {
      spec: {
        type: 'string',
        description: 'The *.puzzle.json file to search by: an absolute path, or one below the workspace folder.',
      },
      baselines: {
        type: 'boolean',
        default: false,
        description: 'Also build, uptrain and evaluate the baselines.',
      },
    },
  },
] as const;
