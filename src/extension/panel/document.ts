import { randomBytes } from 'node:crypto';
import { type Texts, textsSchema } from '../../protocol/texts.js';

/** What the page of a panel refers to. URIs are those by which the webview may load them. */
export interface PageParts {
  script: string;
  style: string;
  /** `webview.cspSource`: where its own files come from. */
  source: string;
  language: string;
  title: string;
  /** Of the panel, in that language. */
  texts: Texts;
}

/**
 * The page of every panel: nothing but the bundle, and nothing allowed but that, its style sheet and fonts. Styles are set
 * through the object model: there is no inline one.
 */
export function panelPage({ script, style, source, language, title, texts }: PageParts): string {
  const nonce = newNonce();
  // The toolkit makes one empty style element to see what the browser knows, by the nonce that the meta element gives.
  const styleNonce = newNonce();
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${source} 'nonce-${styleNonce}'`,
    `font-src ${source}`,
    `img-src ${source}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escaped(language)}">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
    <meta property="csp-nonce" content="${styleNonce}">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escaped(title)}</title>
    <link rel="stylesheet" href="${escaped(style)}">
  </head>
  <body>
    <div id="app" data-texts="${escaped(JSON.stringify(textsSchema.parse(texts)))}"></div>
    <script type="module" nonce="${nonce}" src="${escaped(script)}"></script>
  </body>
</html>
`;
}

function newNonce(): string {
  return randomBytes(16).toString('base64url');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
}
