import { computed, effect, signal } from '@preact/signals';
import * as z from 'zod';
import { panel } from './store.js';
import type { VsCodeApi } from './vscode-api.js';

// What the user has set in the panel itself. The editor keeps it for as long as the panel exists, hidden or reloaded.

const VERSION = 1;

const chartSchema = z.object({
  /** Which curves: those of the whole model, of one layer, or of one variant in every layer; `auto` as the run's stage suggests. */
  view: z.enum(['auto', 'model', 'layer', 'variant']),
  /** `ffn/ffn-50%`, for the view of one variant; null for the first. */
  variant: z.string().nullable(),
  half: z.enum(['both', 'attention', 'ffn']),
  scale: z.enum(['log', 'linear']),
  /** 0: as measured; towards 1: the mean of ever more points. */
  smoothing: z.number().min(0).max(0.99),
  /** Legend keys that are switched off. */
  hidden: z.array(z.string()),
  table: z.boolean(),
});
export type ChartOptions = z.infer<typeof chartSchema>;

const trialSchema = z.object({ prompt: z.string().max(100_000), tokens: z.string().max(20) });

const uiStateSchema = z.object({
  version: z.literal(VERSION),
  selectedLayer: z.int().nonnegative().nullable(),
  openLayers: z.array(z.int().nonnegative()),
  /** By section id; a section not named is as its default. */
  openSections: z.record(z.string(), z.boolean()),
  chart: chartSchema,
  trial: trialSchema,
});

/** The layer that map, details and curves are about; null for none. */
export const selectedLayer = signal<number | null>(null);
/** Layers of the map that show their variants. */
export const openLayers = signal<readonly number[]>([]);
export const openSections = signal<Record<string, boolean>>({});
export const chartOptions = signal<ChartOptions>({
  ...{ view: 'auto', variant: null, half: 'both' },
  ...{ scale: 'log', smoothing: 0, hidden: [], table: false },
});
/** The prompt of "try it", and how many tokens to continue it by, as the field has it. */
export const trial = signal<z.infer<typeof trialSchema>>({ prompt: '', tokens: '48' });

/** Takes up what an earlier life of the panel stored. What is of another version or damaged is left: defaults hold. */
export function restoreUiState(stored: unknown): void {
  const parsed = uiStateSchema.safeParse(stored);
  if (!parsed.success) return;
  selectedLayer.value = parsed.data.selectedLayer;
  openLayers.value = parsed.data.openLayers;
  openSections.value = parsed.data.openSections;
  chartOptions.value = parsed.data.chart;
  trial.value = parsed.data.trial;
}

const kind = computed(() => panel.value?.kind);
const uris = computed(() => panel.value?.uris);

/** Stores every change from now on, and what the panel is about: the host restores it by that. Returns how to stop. */
export function persistUiState(api: Pick<VsCodeApi, 'setState'>): () => void {
  return effect(() => {
    // Until the host has said what the panel is about, what is stored says it.
    if (kind.value === undefined || uris.value === undefined) return;
    api.setState({
      ...{ kind: kind.value, uris: uris.value },
      version: VERSION,
      selectedLayer: selectedLayer.value,
      openLayers: [...openLayers.value],
      openSections: openSections.value,
      chart: chartOptions.value,
      trial: trial.value,
    } satisfies z.infer<typeof uiStateSchema>);
  });
}
