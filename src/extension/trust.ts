import { l10n, workspace } from 'vscode';
import { InputError } from '../common/errors.js';

/** Throws unless the user trusts the workspace: nothing is started, ended or written on behalf of its files otherwise. */
export function requireTrust(): void {
  if (workspace.isTrusted) return;
  throw new InputError(
    l10n.t('This workspace is not trusted: searches are neither started nor steered, and nothing is exported.'),
  );
}
