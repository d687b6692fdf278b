import type { ComponentChildren } from 'preact';

interface TextButtonProps {
  onClick: () => void;
  disabled?: boolean;
  children: ComponentChildren;
}

/** A small action within a text or beside a list: it looks like a link. */
export function TextButton({ onClick, disabled, children }: TextButtonProps) {
  return (
    <button type="button" class="text-button" disabled={disabled} onClick={onClick}>
      {children}
    </button>
  );
}
