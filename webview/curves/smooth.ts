/**
 * Exponential moving mean of a curve, without the pull of the first value. `weight`: 0 leaves it as it is, towards 1 more
 * and more of the past counts. A gap stays a gap and does not count.
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  let sum = 0;
  let total = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}
