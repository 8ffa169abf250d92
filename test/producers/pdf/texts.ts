const WORDS =
  'the of measured vessel glaze kiln and with from archive catalogue plate number letter museum which because clay fired ' +
  'between thickness temperature Königsberg façade naïve überaus Straße fi-ligature co-operation state-of-the-art 1,250 °C ' +
  'https://example.org/a/very/long/address/that/has/no/space/in/it?query=1&other=2 e.g. Fig. 3.2 (see p. 17)';
const WORD_LIST = WORDS.split(' ');

/** A small generator of random numbers in [0, 1), the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = (seed + 1) * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Text as documents have it: headings, wrapped lines, lists, blank lines, now and then a run without any space. */
export function paragraphs(seed: number): string {
  const random = randomNumbers(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const sentence = (words: number): string =>
    Array.from({ length: words }, () => WORD_LIST[upTo(WORD_LIST.length)] ?? '').join(' ') + '.';
  const blocks = Array.from({ length: 4 + upTo(12) }, () => {
    const kind = upTo(8);
    if (kind === 0) return `${upTo(9) + 1}.${upTo(9)} ${sentence(3)}`;
    if (kind === 1) return Array.from({ length: 2 + upTo(9) }, () => `  • ${sentence(4 + upTo(8))}`).join('\n');
    if (kind === 2) return 'x'.repeat(upTo(1200));
    const lines = Array.from({ length: 1 + upTo(14) }, () => sentence(6 + upTo(10)));
    return lines.join(upTo(2) === 0 ? '\n' : ' ');
  });
  return blocks.join(upTo(3) === 0 ? '\n\n\n' : '\n\n');
}
