import assert from 'node:assert/strict';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedDir } from '../../support/shared.js';
import { Panel } from '../panel.js';
import { describeInWorkbench } from '../session.js';
import { until } from '../until.js';

/** Published parameter counts, as the map shows them. */
const PUBLISHED = {
  'Llama-3.1-8B': '8,030,261,248',
  'Llama-3.1-70B': '70,553,706,496',
  'Llama-3.1-405B': '405,853,388,800',
  'Llama-3.2-3B-Instruct': '3,212,749,824',
  'Qwen2.5-7B-Instruct': '7,615,616,512',
  'Qwen3-8B': '8,190,735,360',
  'Mistral-Small-24B-Instruct-2501': '23,572,403,200',
  'Llama-3_3-Nemotron-Super-49B-v1': '49,867,145,216',
  'Mixtral-8x7B-v0.1': '46,702,792,704',
} as const;

/** Four layers, of which no two are alike, one below the other. */
const HETEROGENEOUS = {
  architectures: ['DeciLMForCausalLM'],
  model_type: 'nemotron-nas',
  hidden_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  vocab_size: 1000,
  block_configs: [
    { attention: { n_heads_in_group: 2 }, ffn: { intermediate_size: 256 } },
    { attention: { n_heads_in_group: 8 }, ffn: { intermediate_size: 128 } },
    { attention: { no_op: true }, ffn: { intermediate_size: 256 } },
    { attention: { n_heads_in_group: 2 }, ffn: { replace_with_linear: true } },
  ],
};
const TEXT = JSON.stringify(HETEROGENEOUS, null, 2);
/** The line, from 1, that says what the FFN of layer 3 is. */
const LINE_OF_LAYER_3 = TEXT.slice(0, TEXT.indexOf('replace_with_linear')).split('\n').length;

await describeInWorkbench(
  'the map of a config',
  {
    prepare: async ({ folder }) => {
      await mkdir(join(folder, 'mixed'));
      await writeFile(join(folder, 'mixed/config.json'), TEXT);
      const shared = sharedDir();
      if (shared !== undefined) await cp(join(shared, 'configs'), join(folder, 'published'), { recursive: true });
    },
  },
  (session) => {
    const panel = () => new Panel(session.workbench.webview());

    session.test('opens from the lens above it, layer by layer', async () => {
      const { workbench } = session;
      await workbench.openFile('mixed/config.json');
      await workbench.openByLens('Show architecture map', 'Map: mixed');
      const layers = await panel().architecture();
      assert.equal(layers.length, 4);
      assert.match(layers[2] ?? '', /attention no-op/);
      assert.match(layers[3] ?? '', /FFN linear/);
      await workbench.screenshot('config-map');
    });

    session.test('selects the lines of a layer that is chosen, and the layer that the cursor is in', async () => {
      const { page } = session.workbench;
      await panel().layer(2).click();
      await page.locator('.monaco-editor .selected-text').nth(2).waitFor();
      await session.workbench.screenshot('config-map-lines');
      await session.workbench.focusEditor('config.json');
      await page.keyboard.press('Control+g');
      await page.keyboard.type(String(LINE_OF_LAYER_3));
      await page.keyboard.press('Enter');
      await until('layer 3 is selected', async () => {
        return (await panel().layer(3).getAttribute('aria-selected')) === 'true';
      });
    });

    session.test('follows the text while it is edited', async () => {
      const { page } = session.workbench;
      const before = await panel().architecture();
      await page.keyboard.press('End');
      for (let left = 'true'.length; left > 0; left--) await page.keyboard.press('Backspace');
      await page.keyboard.type('false');
      const after = await panel().architectureAfter(before);
      assert.doesNotMatch(after[3] ?? '', /FFN linear/);
      await session.workbench.saveAll();
    });

    session.test('agrees with the published counts', async () => {
      if (sharedDir() === undefined) return;
      const { workbench } = session;
      for (const [name, parameters] of Object.entries(PUBLISHED)) {
        await workbench.runCommand('View: Close All Editors');
        await workbench.openFile(`${name}/config.json`);
        await workbench.runCommand('Puzzle: Show Architecture Map');
        await panel().page.getByText(parameters).first().waitFor();
        await workbench.screenshot(`config-map-${name}`);
      }
    });
  },
);
