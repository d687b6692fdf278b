import './toolkit.js';

/** Something goes on of which nobody knows how long it takes; the text says what. */
export function ProgressRing({ text }: { text: string }) {
  return (
    <span class="progress-ring">
      <vscode-progress-ring aria-hidden="true" />
      {text}
    </span>
  );
}
