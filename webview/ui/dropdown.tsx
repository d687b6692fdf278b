import type { TargetedEvent } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Dropdown as DropdownElement } from './toolkit.js';
import './toolkit.js';

export interface DropdownOption<Value extends string> {
  value: Value;
  text: string;
}

interface DropdownProps<Value extends string> {
  label: string;
  showLabel?: boolean;
  value: Value;
  options: readonly DropdownOption<Value>[];
  onChange: (value: Value) => void;
  disabled?: boolean;
}

/** One of a closed set of values. */
export function Dropdown<Value extends string>(props: DropdownProps<Value>) {
  const { label, showLabel = false, value, options, onChange, disabled } = props;
  const element = useRef<DropdownElement>(null);
  // The element forgets a value that comes before the option that has it: it is set again when both are there.
  useLayoutEffect(() => {
    if (element.current !== null && element.current.value !== value) element.current.value = value;
  }, [value, options]);
  const changed = (event: TargetedEvent<DropdownElement>): void => {
    const option = options.find((candidate) => candidate.value === event.currentTarget.value);
    if (option !== undefined && option.value !== value) onChange(option.value);
  };
  return (
    <div class="field">
      {showLabel && (
        <span class="field-label" aria-hidden="true">
          {label}
        </span>
      )}
      <vscode-dropdown ref={element} aria-label={label} disabled={disabled ?? false} onChange={changed}>
        {options.map((option) => (
          <vscode-option key={option.value} value={option.value} selected={option.value === value}>
            {option.text}
          </vscode-option>
        ))}
      </vscode-dropdown>
    </div>
  );
}
