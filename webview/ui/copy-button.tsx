import * as l10n from '@vscode/l10n';
import { useSignal } from '@preact/signals';
import { Button } from './button.js';
import { announce } from './live-region.js';

/** Milliseconds for which the button says that it has been done. */
const SAID_FOR = 2000;

interface CopyButtonProps {
  /** What is copied; asked for when it is. */
  text: () => string;
  title: string;
  /** Without its words, for the head of a section. */
  iconOnly?: boolean;
}

/** Copies data for a spreadsheet, and says that it has. */
export function CopyButton({ text, title, iconOnly = false }: CopyButtonProps) {
  const said = useSignal<string | null>(null);
  const say = (words: string): void => {
    said.value = words;
    announce(words);
    setTimeout(() => {
      said.value = null;
    }, SAID_FOR);
  };
  const copy = (): void => {
    navigator.clipboard.writeText(text()).then(
      () => {
        say(l10n.t('Copied'));
      },
      () => {
        say(l10n.t('The clipboard is not open to this panel'));
      },
    );
  };
  return (
    <Button
      icon={said.value === null ? 'copy' : 'check'}
      onClick={copy}
      title={title}
      {...(iconOnly ? { appearance: 'icon' as const } : {})}
    >
      {said.value ?? l10n.t('Copy data')}
    </Button>
  );
}
