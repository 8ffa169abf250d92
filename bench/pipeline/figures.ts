import type { CommandReport, Usage } from './measured-command.ts';

/** One thing that was measured, and what it must not fall short of. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'rows/s' | 'images/s' | 'pages/s' | 'files/s' | 'MB/s' | 'MB' | 's' | 'ms' | 'ratio' | 'µs/row';
  readonly atLeast?: number;
  readonly atMost?: number;
}

export function isMet({ value, atLeast = -Infinity, atMost = Infinity }: Figure): boolean {
  return value >= atLeast && value <= atMost;
}

/** A megabyte is 2^20 bytes. */
export function megabytes(bytes: number): number {
  return bytes / 2 ** 20;
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** Seconds of the stages, which run side by side: until the last has ended. */
export function stageSeconds({ produced = [], processed = [], sunk = [] }: CommandReport): number {
  return Math.max(...[...produced, ...processed, ...sunk].map(({ elapsedMs }) => elapsedMs)) / 1000;
}

/** The cost of a command over rows: whole rate, processor time, memory. */
export function usageFigures(name: string, rows: number, usage: Usage): Figure[] {
  return [
    { name: `${name}, whole command`, value: rows / usage.wallSeconds, unit: 'rows/s' },
    { name: `${name}, processor time`, value: (usage.cpuSeconds / rows) * 1e6, unit: 'µs/row' },
    { name: `${name}, peak memory`, value: megabytes(usage.peakMemoryBytes), unit: 'MB' },
  ];
}

/** Aligned lines, the bound beside each figure that has one. */
export function formatFigures(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { name, unit, atLeast, atMost } = figure;
    const bound = atLeast !== undefined ? `>= ${round(atLeast)}` : atMost !== undefined ? `<= ${round(atMost)}` : '';
    return [name, round(figure.value), unit, bound, bound === '' ? '' : isMet(figure) ? 'met' : 'MISSED'] as const;
  });
  const width = (column: 0 | 1 | 2 | 3): number => Math.max(0, ...rows.map((row) => row[column].length));
  return rows
    .map(([name, value, unit, bound, verdict]) =>
      [name.padEnd(width(0)), value.padStart(width(1)), unit.padEnd(width(2)), bound.padEnd(width(3)), verdict]
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function round(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : Number(value.toPrecision(3)).toString();
}
