import { Disposable, type ExtensionContext, window } from 'vscode';
import { VIEW_TYPES } from '../panel/view-types.js';
import type { Services } from '../services.js';
import { registerCodeLenses } from './code-lenses.js';
import { registerDiagnostics } from './diagnostics.js';

/** What stands in editors: lenses, squiggles, and the panels that a reloaded window brings back. Loads no more than it must. */
export function registerEditorFeatures(context: ExtensionContext, services: Services): void {
  const restored = Object.values(VIEW_TYPES).map((viewType) =>
    window.registerWebviewPanelSerializer(viewType, {
      deserializeWebviewPanel: async (panel, kept: unknown) => {
        const { restorePanel } = await import('../panel/restore.js');
        restorePanel(services, panel, kept);
      },
    }),
  );
  context.subscriptions.push(registerCodeLenses(services), registerDiagnostics(services), Disposable.from(...restored));
}
