/** `1234567` -> `1,234,567`; below 100 with one decimal where it has any: `12.3`. */
export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return '?';
  const [integer = '', decimal] = count.toFixed(Math.abs(count) < 99.95 ? 1 : 0).split('.');
  const grouped = integer.replace(/\B(?=(\d{3})+$)/g, ',');
  return decimal === undefined || decimal === '0' ? grouped : `${grouped}.${decimal}`;
}

const BYTE_UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `1536` -> `1.5 KiB` (powers of 1,024). */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return '?';
  if (Math.abs(bytes) < 1024) return `${Math.round(bytes).toFixed(0)} B`;
  let value = bytes;
  let unit = -1;
  // 1023.95 would be shown as 1024.0, so it already counts as the next unit.
  while (Math.abs(value) >= 1023.95 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(Math.abs(value) >= 99.95 ? 0 : 1)} ${BYTE_UNITS[Math.max(0, unit)] ?? ''}`;
}

/** `450 ms`, `4.2 s`, `1 min 05 s`, `2 h 03 min`, `3 d 04 h`. */
export function formatDuration(durationMs: number): string {
  if (!Number.isFinite(durationMs) || durationMs < 0) return '?';
  if (durationMs < 999.5) return `${durationMs.toFixed(0)} ms`;
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 3600) return `${whole(seconds / 60)} min ${padded(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${whole(minutes / 60)} h ${padded(minutes % 60)} min`;
  const hours = Math.round(minutes / 60);
  return `${whole(hours / 24)} d ${padded(hours % 24)} h`;
}

/** `formatRate(1234, 'rows')` -> `1,234 rows/s` */
export function formatRate(perSecond: number, unit: string): string {
  return `${formatCount(perSecond)} ${unit}/s`;
}

function whole(value: number): string {
  return Math.floor(value).toFixed(0);
}

function padded(value: number): string {
  return value.toFixed(0).padStart(2, '0');
}
