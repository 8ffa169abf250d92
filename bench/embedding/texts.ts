/** Seeded texts in the manner of a museum's catalogue: short titles and paragraphs. */

const KINDS =
  'vase bowl figure portrait landscape study print photograph drawing panel plate jug mirror sword textile fan cup dish relief mask casket clock medal ring brooch chair cabinet carpet scroll manuscript'.split(
    ' ',
  );
const MATERIALS =
  'bronze porcelain earthenware silver ivory jade lacquer glass oak walnut marble limestone terracotta silk wool linen gold copper steel paper vellum stoneware faience alabaster enamel'.split(
    ' ',
  );
const MOTIFS =
  'a dragon|two cranes|a seated woman|the Adoration of the Magi|a river at dusk|vines and birds|the four seasons|a hunting scene|an unknown man|Saint Jerome|a market in winter|peonies|a ship in a storm|the judgement of Paris|a geometric pattern|warriors on horseback|a view of Haarlem|musicians'.split(
    '|',
  );
const PLACES =
  'London Paris Delft Kyoto Jingdezhen Nuremberg Venice Damascus Cairo Thebes Athens Florence Antwerp Isfahan Delhi Lima Mexico Benin Boston Prague'.split(
    ' ',
  );
const MAKERS =
  'Johannes Verhoeven|workshop of Pietro da Rimini|Anna Maria Lindqvist|the Huber manufactory|an unknown goldsmith|Utagawa Tomokiyo|Charles-Étienne Duval|the Bow factory|Master of the Two Doves|Samuel Whitcombe'.split(
    '|',
  );
const SENTENCES = [
  (p: Pick) =>
    `The surface is worn along the rim, where ${p(MATERIALS)} shows beneath a later layer of ${p(MATERIALS)}.`,
  (p: Pick) =>
    `Comparable pieces are known from ${p(PLACES)} and ${p(PLACES)}, though none of them shows ${p(MOTIFS)}.`,
  (p: Pick) => `It was bought in ${p(PLACES)} in ${year(p)} and stayed with the family until the sale of ${year(p)}.`,
  (p: Pick) => `An inscription on the underside, now hard to read, may name ${p(MAKERS)}.`,
  (p: Pick) => `Technical examination found traces of pigment, and a repair that was carried out before ${year(p)}.`,
  (p: Pick) => `The composition follows an engraving that circulated widely in ${p(PLACES)} at the time.`,
  (p: Pick) => `Such a ${p(KINDS)} would have stood beside a ${p(KINDS)} of the same material in a reception room.`,
  (p: Pick) => `Scholars have attributed it to ${p(MAKERS)}; the evidence for this is slight.`,
];

type Pick = (words: readonly string[]) => string;

function year(pick: Pick): string {
  return `1${pick(['5', '6', '7', '8'])}${pick(['0', '2', '4', '7', '9'])}${pick(['1', '3', '5', '8'])}`;
}

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function title(random: () => number, pick: Pick): string {
  const parts = [`${pick(KINDS)} with ${pick(MOTIFS)}`, pick(MATERIALS)];
  if (random() < 0.5) parts.push(`${pick(['gilt', 'painted', 'carved', 'glazed', 'engraved'])} ${pick(MATERIALS)}`);
  if (random() < 0.7) parts.push(`${pick(PLACES)}, about ${year(pick)}`);
  if (random() < 0.4) parts.push(`made by ${pick(MAKERS)}`);
  if (random() < 0.15) parts.push(`given by the heirs of ${pick(MAKERS)} in memory of ${pick(MAKERS)}`);
  return `${parts.join('. ')}.`;
}

/** Median about 22 tokens. */
export function makeTitles(count: number, seed = 1): string[] {
  const random = seeded(seed);
  const pick: Pick = (words) => words[Math.floor(random() * words.length)] ?? '';
  return Array.from({ length: count }, () => title(random, pick));
}

/** Median about 166 tokens. */
export function makeParagraphs(count: number, seed = 2): string[] {
  const random = seeded(seed);
  const pick: Pick = (words) => words[Math.floor(random() * words.length)] ?? '';
  return Array.from({ length: count }, () => {
    const sentences = 5 + Math.floor(random() * 8);
    const rest = Array.from({ length: sentences }, () => SENTENCES[Math.floor(random() * SENTENCES.length)]?.(pick));
    return [title(random, pick), ...rest].join(' ');
  });
}
