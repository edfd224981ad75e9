/** Numbers about repeated measurements. Milliseconds, rounded so that the digits mean something. */

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The nearest rank: a value that was measured, not one in between. @param p 0 to 100 */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('nothing was measured');
  return rounded(value);
}

/** Three digits after the point below ten, one above. */
export function rounded(value: number): number {
  const digits = Math.abs(value) < 10 ? 1000 : 10;
  return Math.round(value * digits) / digits;
}

/** A table for people: the first column to the left, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const all = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}
