/** The real workbench in a real browser: what a test does there is what a person could do. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BrowserContext, type FrameLocator, type Locator, type Page, chromium } from 'playwright-core';
import type { WorkbenchPrograms } from './programs.js';
import { type ServerOptions, type WorkbenchServer, discard, startServer } from './server.js';

/** Pictures of what the tests saw. */
export const ARTIFACTS = join(import.meta.dirname, 'artifacts');

export const WIDE = { width: 1400, height: 900 };
/** In place of the status of tests that did not end. */
const TIMED_OUT = 124;
/** Of what an extension host prints, which is much. */
const TAIL_CHARS = 4000;
const RENDER_LIMIT_MS = 120_000;
/** For anything a person would wait for; under load everything is slow. */
const ACTION_LIMIT_MS = 120_000;
/** A command palette that is open does not learn of commands that come later. */
const PALETTE_LOOK_MS = 1500;
const LAYOUT_INTERVAL_MS = 6000;
const LENS_LOOK_MS = 4000;

const BROWSER_ARGUMENTS = [
  ...['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-gpu'],
];
/** The editor's name for local files in a webview: its service worker answers, nothing leaves the machine. */
const LOCAL_RESOURCES = '.vscode-resource.vscode-cdn.net';

export interface WorkbenchOptions extends Pick<ServerOptions, 'settings' | 'env' | 'extensions'> {
  /** Absolute path of the folder to open; none: an empty window. */
  folder?: string | undefined;
  /** Folder of an extension under development. */
  extension?: string;
  /** Module that the extension host runs, in place of a person. */
  tests?: string;
  viewport?: { width: number; height: number };
  /** Of the texts of extensions; English without. */
  language?: string;
}

export class Workbench {
  /** Requests to anywhere but the workbench's own server. */
  readonly outsideRequests: string[] = [];
  private listening = false;
  /** What the tests at work tell. */
  private told: { exit: (status: number) => void; log: (line: string) => void } = {
    exit: () => undefined,
    log: () => undefined,
  };

  private constructor(
    readonly server: WorkbenchServer,
    /** Everything that the server and the browser keep on disk. */
    readonly scratch: string,
    private readonly browser: BrowserContext,
    readonly page: Page,
    readonly url: string,
  ) {
    browser.on('request', (request) => {
      const { protocol, hostname, host } = new URL(request.url());
      const isNetwork = ['http:', 'https:', 'ws:', 'wss:'].includes(protocol);
      const isOwn = host === server.address || hostname.endsWith(LOCAL_RESOURCES);
      if (isNetwork && !isOwn) this.outsideRequests.push(request.url());
    });
  }

  /** Starts a server and a browser and opens the workbench with the extension of this checkout, or with what is installed. */
  static async open(programs: WorkbenchPrograms, options: WorkbenchOptions = {}): Promise<Workbench> {
    const workbench = await Workbench.start(programs, options);
    await workbench.goto().catch(async (error: unknown) => {
      await workbench.close();
      throw error;
    });
    return workbench;
  }

  /** Everything but the page itself. */
  static async start(
    programs: WorkbenchPrograms,
    { folder, extension, tests, viewport = WIDE, language, ...options }: WorkbenchOptions,
  ): Promise<Workbench> {
    const scratch = await mkdtemp(join(tmpdir(), 'puzzle-workbench-'));
    const server = await startServer(programs, { scratch, ...options });
    const browser = await chromium
      .launchPersistentContext(join(scratch, 'browser'), {
        executablePath: programs.browser,
        headless: true,
        viewport,
        args: BROWSER_ARGUMENTS,
      })
      .catch(async (error: unknown) => {
        await discard(server, scratch);
        throw error;
      });
    browser.setDefaultTimeout(ACTION_LIMIT_MS);
    if (language !== undefined) {
      // What a language pack would set; the texts of the editor itself stay English.
      await browser.addInitScript((name) => Object.assign(globalThis, { _VSCODE_NLS_LANGUAGE: name }), language);
    }
    const page = browser.pages()[0] ?? (await browser.newPage());
    return new Workbench(server, scratch, browser, page, workbenchUrl(server.address, { folder, extension, tests }));
  }

  async goto(): Promise<void> {
    const response = await this.page.goto(this.url);
    if (response?.ok() !== true) throw new Error(`the workbench page answered ${String(response?.status())}`);
    await this.rendered();
  }

  /**
   * Opens the workbench and waits until the tests it was started with have ended.
   *
   * @returns what the editor says at the end, 0 when all went well, and the last of what was printed.
   */
  async runTests(limitMs: number): Promise<{ status: number; output: string }> {
    let output = '';
    let end: (status: number) => void = () => undefined;
    const ended = new Promise<number>((done) => (end = done));
    this.told = { exit: end, log: (line) => (output = `${output}${line}\n`.slice(-TAIL_CHARS)) };
    if (!this.listening) await this.listen();
    await this.page.goto(this.url);
    const status = await Promise.race([ended, sleep(limitMs, TIMED_OUT, { ref: false })]);
    return { status, output };
  }

  /** The editor calls these functions when they exist; a page can be given them once. */
  private async listen(): Promise<void> {
    this.listening = true;
    await this.page.exposeFunction('codeAutomationExit', (status: number) => {
      this.told.exit(status);
    });
    await this.page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) => {
      this.told.log(args.map(String).join(' '));
    });
  }

  /** In a browser the editor stores which tabs are open every few seconds, for it cannot when the page goes. */
  async storesLayout(): Promise<void> {
    await sleep(LAYOUT_INTERVAL_MS);
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.rendered();
  }

  private async rendered(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: RENDER_LIMIT_MS });
  }

  /** Runs a command by its title in the palette, `Puzzle: Start Search…`. */
  async runCommand(title: string): Promise<void> {
    await this.pick('F1', `>${title}`, this.quickPick(title));
  }

  /** Takes a row of what a key opens at the top of the window; anything that takes the focus meanwhile closes it again. */
  private async pick(key: string, text: string, row: Locator): Promise<void> {
    const deadline = performance.now() + ACTION_LIMIT_MS;
    for (;;) {
      await this.page.keyboard.press(key);
      const typed = await succeeds(this.quickInput().fill(text, { timeout: PALETTE_LOOK_MS }));
      if (typed && (await isSoon(row, PALETTE_LOOK_MS))) return row.click();
      await this.page.keyboard.press('Escape');
      if (performance.now() > deadline) throw new Error(`the palette has no row for "${text}"`);
    }
  }

  /** The field of whatever asks at the top of the window. */
  quickInput() {
    return this.page.locator('.quick-input-widget input').first();
  }

  quickPick(...texts: string[]) {
    const rows = this.page.locator('.quick-input-list .monaco-list-row');
    return texts.reduce((left, text) => left.filter({ hasText: text }), rows).first();
  }

  /** Opens a file of the folder by its path there. */
  async openFile(path: string): Promise<void> {
    const name = basename(path);
    // The list shows what it found for an earlier text until it has found more: files of one name differ by their folder.
    const folder = dirname(path) === '.' ? '' : dirname(path);
    await this.pick('Control+p', path, this.quickPick(name, folder));
    await this.tab(name).waitFor();
  }

  /** Clicks a lens until it has opened a tab: while a file is new, the editor draws its lenses anew under the pointer. */
  async openByLens(lens: string, tab: string): Promise<void> {
    const deadline = performance.now() + ACTION_LIMIT_MS;
    for (;;) {
      await this.lens(lens).click();
      const opened = await isSoon(this.tab(tab), LENS_LOOK_MS);
      if (opened) return;
      if (performance.now() > deadline) throw new Error(`the lens "${lens}" opens no tab "${tab}"`);
    }
  }

  /** A lens over the text in an editor. */
  lens(text: string): Locator {
    return this.page.locator('.codelens-decoration a').getByText(text).first();
  }

  /** Puts the cursor into the text of an open file. */
  async focusEditor(name: string): Promise<void> {
    await this.page.locator('.tab').filter({ hasText: name }).first().click();
    await this.page.locator('.editor-group-container.active .monaco-editor .view-lines').first().click();
  }

  async saveAll(): Promise<void> {
    await this.runCommand('File: Save All');
    await this.page.locator('.tab.dirty').first().waitFor({ state: 'detached' });
  }

  /** @param label as the editor lists it: `Dark Modern` */
  async chooseTheme(label: string): Promise<void> {
    await this.runCommand('Preferences: Color Theme');
    await this.page.getByPlaceholder(/^Select Color Theme/).fill(label);
    await this.quickPick(label).click();
  }

  tab(title: string) {
    return this.page.locator('.editor-group-container .tab.active').filter({ hasText: title }).first();
  }

  /** The document of the webview that is shown: two frames deep. */
  webview(): FrameLocator {
    return this.page.locator('iframe.webview.ready').contentFrame().locator('iframe#active-frame').contentFrame();
  }

  notification(text: string | RegExp) {
    return this.page.locator('.notification-list-item').filter({ hasText: text }).first();
  }

  async screenshot(name: string): Promise<void> {
    await mkdir(ARTIFACTS, { recursive: true });
    await this.page.screenshot({ path: join(ARTIFACTS, `${name}.png`) });
  }

  /**
   * What the page and its webviews keep, once there is nothing left to collect: bytes of their objects, and how many nodes
   * and listeners there are.
   */
  async kept(): Promise<{ bytes: number; nodes: number; listeners: number }> {
    const devtools = await this.browser.newCDPSession(this.page);
    try {
      await devtools.send('HeapProfiler.collectGarbage');
      const { usedSize } = await devtools.send('Runtime.getHeapUsage');
      const { nodes, jsEventListeners } = await devtools.send('Memory.getDOMCounters');
      return { bytes: usedSize, nodes, listeners: jsEventListeners };
    } finally {
      await devtools.detach();
    }
  }

  async close(): Promise<void> {
    await this.browser.close();
    await discard(this.server, this.scratch);
  }
}

function isSoon(shown: Locator, limitMs: number): Promise<boolean> {
  return succeeds(shown.waitFor({ timeout: limitMs }));
}

function succeeds(action: Promise<void>): Promise<boolean> {
  return action.then(
    () => true,
    () => false,
  );
}

/** The address of the workbench on a folder, with an extension under development and its tests. */
export function workbenchUrl(
  address: string,
  {
    folder,
    extension,
    tests,
  }: { folder?: string | undefined; extension?: string | undefined; tests?: string | undefined },
): string {
  const url = new URL(`http://${address}/`);
  if (folder === undefined) url.searchParams.set('ew', 'true');
  else url.searchParams.set('folder', folder);
  const remote = (path: string) => `vscode-remote://${address}${path}`;
  const payload = [
    ['skipWelcome', 'true'],
    ['skipReleaseNotes', 'true'],
    ...(extension === undefined ? [] : [['extensionDevelopmentPath', remote(extension)]]),
    ...(tests === undefined ? [] : [['extensionTestsPath', remote(tests)]]),
  ];
  url.searchParams.set('payload', JSON.stringify(payload));
  return url.href;
}
