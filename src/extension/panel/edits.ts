import type { Edit } from 'jsonc-parser';
import { Range, type Uri, workspace, WorkspaceEdit } from 'vscode';
import { InputError } from '../../common/errors.js';

/**
 * Changes a file by the smallest edits of its text, as a person would type them: they can be undone, and leave the file
 * unsaved. One after the other: each sees the text that the one before has left.
 */
export class DocumentEditor {
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly uri: Uri) {}

  /** @param edits of the present text, by offsets in it; none, where it is as it should be */
  edit(edits: (text: string) => readonly Edit[]): Promise<void> {
    const next = this.last.then(() => this.apply(edits));
    this.last = next.catch(() => undefined);
    return next;
  }

  private async apply(edits: (text: string) => readonly Edit[]): Promise<void> {
    const document = await workspace.openTextDocument(this.uri);
    const changes = new WorkspaceEdit();
    for (const { offset, length, content } of edits(document.getText())) {
      const range = new Range(document.positionAt(offset), document.positionAt(offset + length));
      changes.replace(this.uri, range, content);
    }
    if (changes.size === 0 || (await workspace.applyEdit(changes))) return;
    throw new InputError('could not be changed; it may be read-only, or was changed at the same time', this.uri.fsPath);
  }
}
