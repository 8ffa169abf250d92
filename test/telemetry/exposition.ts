/** Samples of Prometheus' text format, by their name with labels in alphabetical order: `name{a="1",b="2"}`. */
export function samplesOf(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name = '', labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === '') throw new Error(`not a sample: ${line}`);
    const sorted = [...labels.matchAll(/\w+="(?:[^"\\]|\\.)*"/g)].map(([label]) => label).sort();
    samples.set(sorted.length === 0 ? name : `${name}{${sorted.join(',')}}`, Number(value));
  }
  return samples;
}

/** Samples of one metric, by their labels. */
export function samplesNamed(text: string, name: string): Readonly<Record<string, number>> {
  const own = [...samplesOf(text)].filter(([key]) => key === name || key.startsWith(`${name}{`));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(name.length), value]));
}
