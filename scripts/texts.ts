/** Finds what people read in the sources: `npm run l10n` writes it to `l10n/bundle.l10n.json`, for translators. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';

const FOLDERS = ['src', 'webview'];
/** Attributes of the panel's elements that are read, as texts between tags are. */
const READ = new Set(['title', 'label', 'aria-label', 'caption', 'text', 'placeholder', 'summary', 'hint']);
const LETTERS = /\p{L}{2}/u;

export interface SourceTexts {
  /** English by itself, in the order of the alphabet: the form of a bundle. */
  bundle: Record<string, string>;
  /** `file:line: …` of texts that cannot be translated. */
  problems: string[];
}

/** The texts of every `l10n.t(…)`. Problems: one that is not written there, or lacks an argument; a text without it. */
export async function sourceTexts(root: string): Promise<SourceTexts> {
  const texts = new Set<string>();
  const problems: string[] = [];
  for (const folder of FOLDERS) {
    const names = (await readdir(join(root, folder), { recursive: true })).filter((name) => /\.tsx?$/.test(name));
    for (const name of names.sort()) {
      const file = join(folder, name);
      collect(file, await readFile(join(root, file), 'utf8'), texts, problems);
    }
  }
  return { bundle: Object.fromEntries([...texts].sort().map((text) => [text, text])), problems };
}

function collect(file: string, code: string, texts: Set<string>, problems: string[]): void {
  const source = ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true);
  const complain = (node: ts.Node, what: string): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    problems.push(`${file}:${line + 1}: ${what}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText() === 'l10n.t') {
      const [text, ...values] = node.arguments;
      if (text === undefined || !ts.isStringLiteralLike(text)) complain(node, 'a text that is not written there');
      else {
        texts.add(text.text);
        const needed = new Set(text.text.match(/\{\d+\}/g)).size;
        const given = values.some(ts.isSpreadElement) ? needed : values.length;
        if (needed !== given) complain(node, `${given} values for ${needed} places`);
      }
    }
    if (ts.isJsxText(node) && LETTERS.test(node.text)) complain(node, `"${node.text.trim()}" without l10n.t`);
    if (ts.isJsxAttribute(node) && READ.has(node.name.getText()) && isPlain(node.initializer)) {
      complain(node, `${node.getText()} without l10n.t`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function isPlain(value: ts.JsxAttributeValue | undefined): boolean {
  return value !== undefined && ts.isStringLiteral(value) && LETTERS.test(value.text);
}
