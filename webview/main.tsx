import './state/zod-setup.js';
import './state/l10n-setup.js';
import { render } from 'preact';
import './styles/main.css';
import { App } from './shell/app.js';
import { connect } from './state/store.js';
import { hostConnection } from './state/transport.js';
import { persistUiState, restoreUiState } from './state/ui-state.js';
import type { VsCodeApi } from './state/vscode-api.js';

declare function acquireVsCodeApi(): VsCodeApi;

const api = acquireVsCodeApi();
restoreUiState(api.getState());
persistUiState(api);
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
await connect(hostConnection(api));
