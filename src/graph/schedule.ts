/** Linear warm-up to `peak`, then a cosine down to `peak * floor` at the last step. Steps count from 1. */
export function warmupCosine(step: number, steps: number, peak: number, warmup: number, floor = 0.05): number {
  if (step <= warmup) return (peak * step) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return peak * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
