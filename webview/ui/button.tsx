import type { ComponentChildren } from 'preact';
import { Icon } from './icon.js';
import './toolkit.js';

interface ButtonProps {
  onClick: () => void;
  /** `icon`: only the icon shows, the children are its name for readers and in its tooltip. */
  appearance?: 'primary' | 'secondary' | 'icon';
  /** A codicon name. */
  icon?: string;
  disabled?: boolean;
  title?: string;
  /** For a button that stays in: whether it is. */
  pressed?: boolean;
  children: ComponentChildren;
}

export function Button({ onClick, appearance = 'secondary', icon, disabled, title, pressed, children }: ButtonProps) {
  const iconOnly = appearance === 'icon';
  const name = iconOnly && typeof children === 'string' ? children : undefined;
  return (
    <vscode-button
      appearance={appearance}
      disabled={disabled ?? false}
      title={title ?? name}
      aria-label={name}
      aria-pressed={pressed}
      onClick={onClick}
    >
      {icon !== undefined && iconOnly && <Icon name={icon} />}
      {icon !== undefined && !iconOnly && (
        <span slot="start">
          <Icon name={icon} />
        </span>
      )}
      {!iconOnly && children}
    </vscode-button>
  );
}
