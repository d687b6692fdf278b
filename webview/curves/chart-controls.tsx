import * as l10n from '@vscode/l10n';
import type { Series } from '../../src/protocol/run.js';
import { chartOptions, selectedLayer, type ChartOptions } from '../state/ui-state.js';
import { Checkbox } from '../ui/checkbox.js';
import { CopyButton } from '../ui/copy-button.js';
import { Dropdown, type DropdownOption } from '../ui/dropdown.js';
import { Slider } from '../ui/slider.js';
import { layersOf, variantsOf, type CurveGroup, type CurveView } from './groups.js';
import { curvesTsv } from './tsv.js';

const VIEWS: Readonly<Record<CurveView, string>> = {
  model: l10n.t('Whole child (GKD)'),
  layer: l10n.t('One layer (BLD)'),
  variant: l10n.t('One variant, all layers (BLD)'),
};
const HALVES: readonly DropdownOption<ChartOptions['half']>[] = [
  { value: 'both', text: l10n.t('both') },
  { value: 'attention', text: l10n.t('attention') },
  { value: 'ffn', text: l10n.t('FFN') },
];
const SCALES: readonly DropdownOption<ChartOptions['scale']>[] = [
  { value: 'log', text: l10n.t('log') },
  { value: 'linear', text: l10n.t('linear') },
];

function setOptions(changed: Partial<ChartOptions>): void {
  chartOptions.value = { ...chartOptions.peek(), ...changed };
}

interface ControlsProps {
  all: readonly Series[];
  view: CurveView;
  layer: number;
  /** What is shown, for copying. */
  groups: readonly CurveGroup[];
}

/** Which curves, and how they are drawn. */
export function ChartControls({ all, view, layer, groups }: ControlsProps) {
  const { half, scale, smoothing, table } = chartOptions.value;
  return (
    <div class="chart-controls">
      <Dropdown
        label={l10n.t('Curves')}
        showLabel
        value={view}
        options={viewsWith(all).map((value) => ({ value, text: VIEWS[value] }))}
        onChange={(chosen) => {
          setOptions({ view: chosen });
        }}
      />
      {view === 'layer' && <LayerChoice all={all} layer={layer} />}
      {view === 'layer' && (
        <Dropdown
          label={l10n.t('Half')}
          showLabel
          value={half}
          options={HALVES}
          onChange={(chosen) => {
            setOptions({ half: chosen });
          }}
        />
      )}
      {view === 'variant' && <VariantChoice all={all} />}
      {!table && (
        <>
          <Dropdown
            label={l10n.t('Scale')}
            showLabel
            value={scale}
            options={SCALES}
            onChange={(chosen) => {
              setOptions({ scale: chosen });
            }}
          />
          <div class="field smoothing">
            <span class="field-label" aria-hidden="true">
              {l10n.t('Smoothing')}
            </span>
            <Slider
              label={l10n.t('Smoothing')}
              min={0}
              max={0.95}
              step={0.05}
              value={smoothing}
              valueText={smoothing === 0 ? l10n.t('none') : smoothing.toFixed(2)}
              onInput={(chosen) => {
                setOptions({ smoothing: chosen });
              }}
            />
          </div>
        </>
      )}
      <div class="chart-actions">
        <Checkbox
          label={l10n.t('Table')}
          checked={table}
          onChange={(checked) => {
            setOptions({ table: checked });
          }}
        />
        <CopyButton
          text={() => curvesTsv(groups)}
          title={l10n.t('Copy the points of the curves that are shown, parted by tabs')}
        />
      </div>
    </div>
  );
}

function viewsWith(all: readonly Series[]): CurveView[] {
  const model = all.some(({ layer }) => layer === null);
  const layers = all.some(({ layer }) => layer !== null);
  return [...(model ? (['model'] as const) : []), ...(layers ? (['layer', 'variant'] as const) : [])];
}

/** The layer is that of the map: choosing it here selects it there. */
function LayerChoice({ all, layer }: { all: readonly Series[]; layer: number }) {
  return (
    <Dropdown
      label={l10n.t('Layer')}
      showLabel
      value={String(layer)}
      options={layersOf(all).map((index) => ({ value: String(index), text: String(index) }))}
      onChange={(chosen) => {
        selectedLayer.value = Number(chosen);
      }}
    />
  );
}

function VariantChoice({ all }: { all: readonly Series[] }) {
  const variants = variantsOf(all);
  const { variant } = chartOptions.value;
  return (
    <Dropdown
      label={l10n.t('Variant')}
      showLabel
      value={variant !== null && variants.includes(variant) ? variant : (variants[0] ?? '')}
      options={variants.map((value) => ({ value, text: value.replace('/', ' ').replace(/^ffn/, 'FFN') }))}
      onChange={(chosen) => {
        setOptions({ variant: chosen });
      }}
    />
  );
}
