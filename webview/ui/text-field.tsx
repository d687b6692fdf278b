import type { TargetedEvent } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { TextField as TextFieldElement } from './toolkit.js';
import './toolkit.js';

interface TextFieldProps {
  /** Named by it for readers, also where it is not shown. */
  label: string;
  showLabel?: boolean;
  value: string;
  /** Every keystroke. */
  onInput?: (value: string) => void;
  /** Enter, or the focus moves on. */
  onChange?: (value: string) => void;
  placeholder?: string;
  /** Width in characters. */
  size?: number;
  disabled?: boolean;
  /** What is wrong with the value: shown below the field and told at once. */
  problem?: string | null;
}

type FieldEvent = TargetedEvent<TextFieldElement>;

/** One line of text. A number with its unit is a text too: the host parses it. */
export function TextField(props: TextFieldProps) {
  const { label, showLabel = false, value, onInput, onChange, placeholder, size, disabled, problem } = props;
  const element = useRef<TextFieldElement>(null);
  // The element names itself by its content when it comes into the page: `Text field` where there is none.
  useLayoutEffect(() => {
    element.current?.setAttribute('aria-label', label);
  }, [label]);
  return (
    <div class="field">
      <vscode-text-field
        ref={element}
        value={value}
        aria-invalid={problem !== undefined && problem !== null}
        placeholder={placeholder}
        size={size}
        disabled={disabled ?? false}
        onInput={(event: FieldEvent) => onInput?.(event.currentTarget.value)}
        onChange={(event: FieldEvent) => onChange?.(event.currentTarget.value)}
      >
        {showLabel ? label : null}
      </vscode-text-field>
      {problem !== undefined && problem !== null && (
        <p class="field-problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
