/** Round steps of an axis from 0 to `most`, about five. */
export function ticks(most: number): number[] {
  if (most <= 0) return [0];
  const raw = most / 5;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((one) => one >= raw) ?? raw;
  const whole = Math.max(1, step);
  return Array.from({ length: Math.floor(most / whole) + 1 }, (_, index) => index * whole);
}
