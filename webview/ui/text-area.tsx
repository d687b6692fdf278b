import type { TargetedEvent } from 'preact';
import type { TextArea as TextAreaElement } from './toolkit.js';
import './toolkit.js';

interface TextAreaProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  placeholder?: string;
  rows?: number;
  maxLength?: number;
}

/** Several lines of text, under its label. */
export function TextArea({ label, value, onInput, placeholder, rows, maxLength }: TextAreaProps) {
  return (
    <vscode-text-area
      class="text-area"
      value={value}
      rows={rows}
      placeholder={placeholder}
      maxlength={maxLength}
      aria-label={label}
      onInput={(event: TargetedEvent<TextAreaElement>) => {
        onInput(event.currentTarget.value);
      }}
    >
      {label}
    </vscode-text-area>
  );
}
