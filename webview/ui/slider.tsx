import type { TargetedEvent } from 'preact';

interface SliderProps {
  label: string;
  min: number;
  max: number;
  step?: number;
  value: number;
  /** The value as it is to be read out, with its unit. */
  valueText: string;
  /** While it moves. */
  onInput?: (value: number) => void;
  /** Where it came to rest. */
  onChange?: (value: number) => void;
  disabled?: boolean;
}

type RangeEvent = TargetedEvent<HTMLInputElement>;

/** A native range input in the editor's colours; the share that is filled is a custom property. */
export function Slider({ label, min, max, step, value, valueText, onInput, onChange, disabled }: SliderProps) {
  const share = max > min ? Math.min(1, Math.max(0, (value - min) / (max - min))) : 0;
  return (
    <input
      class="slider"
      type="range"
      aria-label={label}
      aria-valuetext={valueText}
      min={min}
      max={max}
      step={step ?? 'any'}
      value={value}
      disabled={disabled ?? false}
      style={{ '--share': String(share) }}
      onInput={(event: RangeEvent) => onInput?.(event.currentTarget.valueAsNumber)}
      onChange={(event: RangeEvent) => onChange?.(event.currentTarget.valueAsNumber)}
    />
  );
}
