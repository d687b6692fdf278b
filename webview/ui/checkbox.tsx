import type { TargetedEvent } from 'preact';
import type { Checkbox as CheckboxElement } from './toolkit.js';
import './toolkit.js';

interface CheckboxProps {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}

export function Checkbox({ label, checked, onChange, disabled }: CheckboxProps) {
  return (
    <vscode-checkbox
      checked={checked}
      disabled={disabled ?? false}
      onChange={(event: TargetedEvent<CheckboxElement>) => {
        // The element also tells of changes that were made to it.
        if (event.currentTarget.checked !== checked) onChange(event.currentTarget.checked);
      }}
    >
      {label}
    </vscode-checkbox>
  );
}
