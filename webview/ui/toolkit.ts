import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDropdown,
  vsCodeOption,
  vsCodeProgressRing,
  vsCodeTextArea,
  vsCodeTextField,
  type Button,
  type Checkbox,
  type Dropdown,
  type Option,
  type ProgressRing,
  type TextArea,
  type TextField,
} from '@vscode/webview-ui-toolkit';
import type { HTMLAttributes } from 'preact';

// The toolkit is no longer developed: only this folder knows it. Its elements must be known before the first is drawn.

provideVSCodeDesignSystem().register(
  vsCodeButton(),
  vsCodeCheckbox(),
  vsCodeDropdown(),
  vsCodeOption(),
  vsCodeProgressRing(),
  vsCodeTextArea(),
  vsCodeTextField(),
);

type ElementProps<Element extends HTMLElement, Own extends keyof Element> = Omit<HTMLAttributes<Element>, Own> & {
  [Name in Own]?: Element[Name] | undefined;
};

declare module 'preact' {
  // The one way to tell JSX of further elements.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace JSX {
    interface IntrinsicElements {
      'vscode-button': ElementProps<Button, 'appearance' | 'disabled'>;
      'vscode-checkbox': ElementProps<Checkbox, 'checked' | 'disabled'>;
      'vscode-dropdown': ElementProps<Dropdown, 'value' | 'disabled'>;
      'vscode-option': ElementProps<Option, 'value' | 'selected' | 'disabled'>;
      'vscode-progress-ring': ElementProps<ProgressRing, 'title'>;
      'vscode-text-area': ElementProps<TextArea, 'value' | 'rows' | 'placeholder' | 'disabled' | 'maxlength'>;
      'vscode-text-field': ElementProps<TextField, 'value' | 'size' | 'placeholder' | 'disabled'>;
    }
  }
}

export type { Button, Checkbox, Dropdown, TextArea, TextField };
