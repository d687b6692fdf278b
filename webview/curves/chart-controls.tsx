import type { Series } from '../../src/protocol/run.js';
import { chartOptions, selectedLayer, type ChartOptions } from '../state/ui-state.js';
import { Checkbox } from '../ui/checkbox.js';
import { CopyButton } from '../ui/copy-button.js';
import { Dropdown, type DropdownOption } from '../ui/dropdown.js';
import { Slider } from '../ui/slider.js';
import { layersOf, variantsOf, type CurveGroup, type CurveView } from './groups.js';
import { curvesTsv } from './tsv.js';

const VIEWS: Readonly<Record<CurveView, string>> = {
  model: 'Whole child (GKD)',
  layer: 'One layer (BLD)',
  variant: 'One variant, all layers (BLD)',
};
const HALVES: readonly DropdownOption<ChartOptions['half']>[] = [
  { value: 'both', text: 'both' },
  { value: 'attention', text: 'attention' },
  { value: 'ffn', text: 'FFN' },
];
const SCALES: readonly DropdownOption<ChartOptions['scale']>[] = [
  { value: 'log', text: 'log' },
  { value: 'linear', text: 'linear' },
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
        label="Curves"
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
          label="Half"
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
            label="Scale"
            showLabel
            value={scale}
            options={SCALES}
            onChange={(chosen) => {
              setOptions({ scale: chosen });
            }}
          />
          <div class="field smoothing">
            <span class="field-label" aria-hidden="true">
              Smoothing
            </span>
            <Slider
              label="Smoothing"
              min={0}
              max={0.95}
              step={0.05}
              value={smoothing}
              valueText={smoothing === 0 ? 'none' : smoothing.toFixed(2)}
              onInput={(chosen) => {
                setOptions({ smoothing: chosen });
              }}
            />
          </div>
        </>
      )}
      <div class="chart-actions">
        <Checkbox
          label="Table"
          checked={table}
          onChange={(checked) => {
            setOptions({ table: checked });
          }}
        />
        <CopyButton
          text={() => curvesTsv(groups)}
          title="Copy the points of the curves that are shown, parted by tabs"
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
      label="Layer"
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
      label="Variant"
      showLabel
      value={variant !== null && variants.includes(variant) ? variant : (variants[0] ?? '')}
      options={variants.map((value) => ({ value, text: value.replace('/', ' ').replace(/^ffn/, 'FFN') }))}
      onChange={(chosen) => {
        setOptions({ variant: chosen });
      }}
    />
  );
}
