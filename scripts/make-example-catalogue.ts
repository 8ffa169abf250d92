/**
 * Makes `examples/catalogue.csv`: 2,000 invented museum objects with the 54 columns of the Metropolitan Museum's open
 * catalogue. Nothing in it exists. The same bytes on every run:
 *
 *     node scripts/make-example-catalogue.ts
 */
import { writeFileSync } from 'node:fs';
import { ARTISTS, type ArtistNames } from './example-catalogue/artists.ts';
import { KINDS } from './example-catalogue/kinds.ts';
import type { Kind } from './example-catalogue/kinds/kind.ts';
import { Random } from './example-catalogue/random.ts';
import { type Tradition, TRADITIONS } from './example-catalogue/traditions.ts';

const OBJECTS = 2_000;
const SEED = 20_261;
const FIRST_ID = 100_003;

const COLUMNS =
  'Object Number,Is Highlight,Is Timeline Work,Is Public Domain,Object ID,Gallery Number,Department,AccessionYear,' +
  'Object Name,Title,Culture,Period,Dynasty,Reign,Portfolio,Constituent ID,Artist Role,Artist Prefix,' +
  'Artist Display Name,Artist Display Bio,Artist Suffix,Artist Alpha Sort,Artist Nationality,Artist Begin Date,' +
  'Artist End Date,Artist Gender,Artist ULAN URL,Artist Wikidata URL,Object Date,Object Begin Date,Object End Date,' +
  'Medium,Dimensions,Credit Line,Geography Type,City,State,County,Country,Region,Subregion,Locale,Locus,Excavation,' +
  'River,Classification,Rights and Reproduction,Link Resource,Object Wikidata URL,Metadata Date,Repository,Tags,' +
  'Tags AAT URL,Tags Wikidata URL';
const DONORS = [
  'Amélie Thornquist',
  'the Böckler Family',
  'Ignatius Vane',
  'Mr. and Mrs. Ø. Lindqvist-Hale',
  'the Friends of the Museum',
  'Dr. Noor Achterberg',
];
const REPOSITORY = 'Museum of Invented Things, Exampleton';

type Row = Record<string, string>;

/** The whole file, UTF-8 with commas and \n. */
export function makeCatalogue(): string {
  const random = new Random(SEED);
  const names = COLUMNS.split(',');
  const wheel = KINDS.flatMap((kind) => Array.from({ length: Math.round((kind.weight ?? 1) * 10) }, () => kind));
  const lines = [COLUMNS];
  for (let index = 0; index < OBJECTS; index++) {
    const row = makeObject(random, random.pick(wheel), index);
    lines.push(names.map((name) => cell(row[name] ?? '')).join(','));
  }
  return `${lines.join('\n')}\n`;
}

function makeObject(random: Random, kind: Kind, index: number): Row {
  const tradition: Tradition = TRADITIONS[random.pick(kind.from)];
  const id = FIRST_ID + index * 7 + random.between(0, 6);
  const accession = random.between(1889, 2024);
  const dates = makeDates(random, tradition, kind);
  const [motif = '', tags = ''] = random.pick(kind.motifs).split(' #');
  const name = random.pick(kind.names);
  return {
    'Object Number': `${accession}.${random.between(1, 480)}.${index % 97}`,
    'Is Highlight': title(random.chance(0.04)),
    'Is Timeline Work': title(random.chance(0.1)),
    'Is Public Domain': title(random.chance(0.8)),
    'Object ID': String(id),
    'Gallery Number': random.chance(0.4) ? String(random.between(100, 999)) : '',
    Department: kind.department,
    AccessionYear: String(accession),
    'Object Name': name,
    Title: makeTitle(random, kind, name, motif),
    Culture: tradition.culture,
    ...dates,
    ...makeMaker(random, kind, tradition, Number(dates['Object Begin Date'])),
    Medium: random.pick(kind.mediums),
    Dimensions: makeDimensions(random, kind.size),
    'Credit Line': `${random.pick(['Gift of', 'Bequest of', 'Purchase, gift of'])} ${random.pick(DONORS)}, ${accession}`,
    'Geography Type': random.chance(0.7) ? 'Made in' : '',
    City: random.pick(tradition.cities),
    Country: tradition.country,
    Classification: kind.classification,
    'Link Resource': `https://museum.example/objects/${id}`,
    'Metadata Date': '2026-11-01',
    Repository: REPOSITORY,
    Tags: tags,
  };
}

function makeTitle(random: Random, kind: Kind, name: string, motif: string): string {
  const inner = random.pick(kind.titles);
  const named = inner.replace('{name}', inner.startsWith('{name}') ? name : lowerFirst(name)).replace('{motif}', motif);
  const nickname = random.chance(0.015)
    ? `, called "${random.pick(['The Two Brothers', 'Old Faithful', 'La Perégrina', 'The Widow'])}"`
    : '';
  const part = random.chance(0.06)
    ? ` (${random.pick(['one of a pair', 'fragment', 'lid missing', 'from a set of twelve'])})`
    : '';
  return named + part + nickname;
}

function makeDates(random: Random, tradition: Tradition, kind: Kind): Row {
  const { period, dynasty = '', ...years } = pickPeriod(random, tradition, kind);
  const from = kind.years === undefined ? years.from : Math.max(years.from, kind.years[0]);
  const to = kind.years === undefined ? years.to : Math.min(years.to, kind.years[1]);
  const span = to - from;
  const begin = from + Math.floor(random.next() * span * 0.9);
  const end = Math.min(to, begin + random.pick([0, 0, 5, 10, 25, 50]));
  return {
    Period: period,
    Dynasty: dynasty,
    'Object Date': dateText(random, begin, end),
    'Object Begin Date': String(begin),
    'Object End Date': String(end),
  };
}

/** A period that reaches into the kind's years; a tradition of one unnamed period is stretched to them. */
function pickPeriod(random: Random, tradition: Tradition, kind: Kind): Tradition['periods'][number] {
  const { years } = kind;
  if (years === undefined) return random.pick(tradition.periods);
  const fitting = tradition.periods.filter(({ from, to }) => from < years[1] && to > years[0]);
  const [only] = tradition.periods;
  if (only?.period === '' && tradition.periods.length === 1) return { period: '', from: years[0], to: years[1] };
  return fitting.length > 0 ? random.pick(fitting) : { period: '', from: years[0], to: years[1] };
}

function dateText(random: Random, begin: number, end: number): string {
  if (begin < 1000) {
    const century = Math.floor((begin < 0 ? -begin - 1 : Math.max(0, begin - 1)) / 100) + 1;
    return `${ordinal(century)} century ${begin < 0 ? 'BCE' : 'CE'}`;
  }
  if (end === begin) return random.chance(0.4) ? `ca. ${begin}` : String(begin);
  return Math.floor(begin / 100) === Math.floor(end / 100) ? `${begin}–${String(end).slice(2)}` : `${begin}–${end}`;
}

function makeMaker(random: Random, kind: Kind, tradition: Tradition, year: number): Row {
  const names = tradition.artists === undefined ? undefined : ARTISTS[tradition.artists];
  if (kind.isSigned !== true || names === undefined || random.chance(0.25)) return {};
  const isWoman = random.chance(0.35);
  const given = random.pick(isWoman ? names.women : names.men);
  const family = random.pick(names.families);
  const begin = year - random.between(22, 60);
  const end = Math.max(year, begin + random.between(35, 85));
  return {
    'Constituent ID': String(50_000 + makerNumber(names, given, family)),
    'Artist Role': kind.role ?? 'Maker',
    'Artist Prefix': random.chance(0.1) ? random.pick(['Attributed to', 'Workshop of', 'Possibly']) : '',
    'Artist Display Name': names.familyFirst === true ? `${family} ${given}` : `${given} ${family}`,
    'Artist Display Bio': `${names.nationality}, ${begin}–${end}`,
    'Artist Alpha Sort': names.familyFirst === true ? `${family} ${given}` : `${family}, ${given}`,
    'Artist Nationality': names.nationality,
    'Artist Begin Date': String(begin),
    'Artist End Date': String(end),
    'Artist Gender': isWoman ? 'Female' : '',
  };
}

function makerNumber(names: ArtistNames, given: string, family: string): number {
  const givens = [...names.women, ...names.men];
  const list = Object.values(ARTISTS).indexOf(names);
  return list * 100 + givens.indexOf(given) * 10 + names.families.indexOf(family);
}

function makeDimensions(random: Random, size: Kind['size']): string {
  const inches = (least: number, most: number): string => {
    const eighths = random.between(least * 8, most * 8);
    const fraction = ['', ' 1/8', ' 1/4', ' 3/8', ' 1/2', ' 5/8', ' 3/4', ' 7/8'][eighths % 8] ?? '';
    return `${Math.floor(eighths / 8)}${fraction} in. (${((eighths / 8) * 2.54).toFixed(1)} cm)`;
  };
  if (size === 'vessel') {
    const whole = `H. ${inches(3, 20)}; Diam. ${inches(2, 12)}`;
    return random.chance(0.05) ? `Overall: ${whole}\nLid: Diam. ${inches(2, 6)}` : whole;
  }
  if (size === 'small') return `L. ${inches(1, 8)}`;
  if (size === 'flat') return `Sheet: ${inches(5, 16)} × ${inches(4, 12)}`;
  return `H. ${inches(12, 80)}; W. ${inches(8, 60)}`;
}

function cell(value: string): string {
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function title(flag: boolean): string {
  return flag ? 'True' : 'False';
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function ordinal(number: number): string {
  const ending = number % 100 >= 11 && number % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th');
  return `${number}${ending}`;
}

if (import.meta.main) writeFileSync(new URL('../examples/catalogue.csv', import.meta.url), makeCatalogue());
