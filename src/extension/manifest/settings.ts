interface Setting {
  type: 'boolean';
  default: boolean;
  /** `window`: may differ between workspaces; `application`: of the user. */
  scope: 'window' | 'application';
  description: string;
}

/** Every setting, without the `puzzle.` in front. */
export const SETTINGS = {
  openPanelOnStart: {
    type: 'boolean',
    default: true,
    scope: 'window',
    description: 'Open the search panel beside the spec when a search is started.',
  },
  notifyWhenDone: {
    type: 'boolean',
    default: true,
    scope: 'application',
    description: 'Tell when a search has finished or failed. The Runs view and the status bar show it in any case.',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
