import { onTestFailed } from 'vitest';

/** For `say` in a test: nothing is shown unless the test fails, by its time limit too. */
export function saidOnFailure(): (line: string) => void {
  const startMs = performance.now();
  const lines: string[] = [];
  onTestFailed(() => {
    console.error(lines.join('\n'));
  });
  return (line) => {
    lines.push(`${((performance.now() - startMs) / 1000).toFixed(1)} s  ${line}`);
  };
}
