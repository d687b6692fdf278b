// How quickly the search panel answers, in Chromium on a real workbench.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { WorkbenchPrograms } from '../workbench/programs.js';
import { Panel } from '../workbench/panel.js';
import { stageExtension } from '../workbench/stage.js';
import { Workbench } from '../workbench/workbench.js';
import { LAYERS, writeDeepRun } from './deep-run.js';
import { writeShortRun } from './short-run.js';

const EDITS = 40;
/** An edit after which the optimum is the same redraws nothing: it does not count. */
const REDRAW_LIMIT_MS = 2000;
const EDIT_ATTEMPTS = 120;
const SCROLLS = 15;
const SCROLL_STEP_PX = 240;
/** Frames before the first one that counts. */
const WARM_UP_FRAMES = 10;

/** Of the page, whose types are not known here. */
interface PageElement {
  value: string;
  max: string;
  scrollTop: number;
  scrollHeight: number;
  clientHeight: number;
  dispatchEvent: (event: unknown) => void;
  closest: (selector: string) => PageElement | null;
  querySelector: (selector: string) => PageElement | null;
  ownerDocument: { defaultView: PageWindow; querySelector: (selector: string) => PageElement | null };
}
interface PageWindow {
  performance: { now: () => number };
  requestAnimationFrame: (callback: (time: number) => void) => void;
  setTimeout: (callback: () => void, milliseconds: number) => void;
  Event: new (type: string, options: { bubbles: boolean }) => unknown;
  MutationObserver: new (callback: () => void) => {
    observe: (node: unknown, options: object) => void;
    disconnect: () => void;
  };
}

async function withPanel<Result>(
  programs: WorkbenchPrograms,
  scratch: string,
  prepare: (folder: string, extension: string) => Promise<string>,
  use: (panel: Panel) => Promise<Result>,
): Promise<Result> {
  const folder = path.join(scratch, 'folder');
  await mkdir(folder, { recursive: true });
  const extension = await stageExtension(path.join(scratch, 'extension'));
  const spec = await prepare(folder, extension);
  const workbench = await Workbench.open(programs, { folder, extension });
  try {
    await workbench.openFile(path.basename(spec));
    await workbench.runCommand('Puzzle: Open Search Panel');
    const panel = new Panel(workbench.webview());
    await panel.solution().waitFor();
    return await use(panel);
  } finally {
    await workbench.close();
  }
}

/**
 * Milliseconds from an edit of the limit on throughput, which is written into the spec, to the first frame with another
 * map, on the example. `scratch` does not exist yet.
 */
export async function editTimes(programs: WorkbenchPrograms, scratch: string): Promise<number[]> {
  return withPanel(programs, scratch, writeShortRun, async (panel) => {
    const slider = panel.page.getByRole('slider', { name: /^Throughput/ });
    const times: number[] = [];
    for (let i = 0; i < EDIT_ATTEMPTS && times.length < EDITS; i++) {
      // Far apart, so that two neighbours have different optima.
      const share = 0.1 + 0.6 * ((i * 0.618) % 1);
      const milliseconds = await slider.evaluate(editAndAwait, { share, limitMs: REDRAW_LIMIT_MS });
      if (milliseconds !== null) times.push(milliseconds);
    }
    if (times.length < EDITS) throw new Error(`only ${times.length} of ${EDIT_ATTEMPTS} edits changed the map`);
    return times;
  });
}

/** In the page: moves the slider, and resolves when the map that follows is painted; null when it stays as it is. */
function editAndAwait(
  slider: PageElement,
  { share, limitMs }: { share: number; limitMs: number },
): Promise<number | null> {
  const { ownerDocument } = slider;
  const window = ownerDocument.defaultView;
  return new Promise((resolve) => {
    const begun = window.performance.now();
    const observer = new window.MutationObserver(() => {
      observer.disconnect();
      // A task after the frame's callbacks comes when the frame has been painted.
      window.requestAnimationFrame(() => {
        window.setTimeout(() => {
          resolve(window.performance.now() - begun);
        }, 0);
      });
    });
    observer.observe(ownerDocument.querySelector('[role=treegrid]'), {
      subtree: true,
      attributes: true,
      attributeFilter: ['aria-label'],
    });
    slider.value = String(Math.round(Number(slider.max) * share));
    slider.dispatchEvent(new window.Event('change', { bubbles: true }));
    window.setTimeout(() => {
      observer.disconnect();
      resolve(null);
    }, limitMs);
  });
}

/** The longest frame, in milliseconds, of each scroll over all variants of a model of {@link LAYERS} layers. */
export async function worstFrames(programs: WorkbenchPrograms, scratch: string): Promise<number[]> {
  return withPanel(programs, scratch, writeDeepRun, async (panel) => {
    await panel.button('Open all layers').click();
    const rows = panel.map.getByRole('rowgroup').last();
    const worst: number[] = [];
    // The first way down fetches the variants of every layer.
    await rows.evaluate(scrollAndWatch, { step: SCROLL_STEP_PX, warmUp: WARM_UP_FRAMES });
    await panel.map.getByRole('row', { name: new RegExp(`^Layer ${LAYERS - 1}:`) }).waitFor();
    for (let i = 0; i < SCROLLS; i++) {
      worst.push(await rows.evaluate(scrollAndWatch, { step: SCROLL_STEP_PX, warmUp: WARM_UP_FRAMES }));
    }
    return worst;
  });
}

/** In the page: scrolls from top to bottom, a step a frame; the longest time between two frames. */
function scrollAndWatch(rows: PageElement, { step, warmUp }: { step: number; warmUp: number }): Promise<number> {
  const window = rows.ownerDocument.defaultView;
  rows.scrollTop = 0;
  return new Promise((resolve) => {
    let [frames, before, worst] = [0, 0, 0];
    // A method: the compiler adds something to named functions that the page does not have.
    const loop = {
      frame(time: number): void {
        if (frames > warmUp) worst = Math.max(worst, time - before);
        before = time;
        frames++;
        if (rows.scrollTop + rows.clientHeight >= rows.scrollHeight - 1) {
          resolve(worst);
          return;
        }
        if (frames > warmUp) rows.scrollTop += step;
        window.requestAnimationFrame((next) => {
          loop.frame(next);
        });
      },
    };
    window.requestAnimationFrame((time) => {
      loop.frame(time);
    });
  });
}
