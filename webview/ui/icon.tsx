import '@vscode/codicons/dist/codicon.css';

/** One of the editor's own icons, by its codicon name. Only ever beside or behind a text: readers are not told of it. */
export function Icon({ name, class: extra }: { name: string; class?: string }) {
  return <span class={`codicon codicon-${name} ${extra ?? ''}`} aria-hidden="true" />;
}
