/** Where and when invented objects come from. Years before the common era are negative. */
export interface Tradition {
  readonly culture: string;
  readonly country: string;
  readonly cities: readonly string[];
  readonly periods: readonly {
    readonly period: string;
    readonly dynasty?: string;
    readonly from: number;
    readonly to: number;
  }[];
  /** Key of `ARTISTS`, for kinds that name their makers. */
  readonly artists?: string;
}

export const TRADITIONS = {
  ancientChina: {
    culture: 'Chinese',
    country: 'China',
    cities: ['', '', 'Anyang', 'Luoyang'],
    periods: [
      { period: 'Late Shang period', dynasty: 'Shang dynasty', from: -1300, to: -1046 },
      { period: 'Western Zhou period', dynasty: 'Zhou dynasty', from: -1046, to: -771 },
      { period: 'Warring States period', dynasty: 'Eastern Zhou dynasty', from: -475, to: -221 },
      { period: '', dynasty: 'Han dynasty', from: -206, to: 220 },
    ],
  },
  china: {
    culture: 'Chinese',
    country: 'China',
    cities: ['', 'Jingdezhen', 'Suzhou', 'Beijing'],
    periods: [
      { period: '', dynasty: 'Tang dynasty', from: 618, to: 907 },
      { period: '', dynasty: 'Song dynasty', from: 960, to: 1279 },
      { period: '', dynasty: 'Ming dynasty', from: 1368, to: 1644 },
      { period: '', dynasty: 'Qing dynasty', from: 1644, to: 1911 },
    ],
    artists: 'chinese',
  },
  japan: {
    culture: 'Japanese',
    country: 'Japan',
    cities: ['', 'Kyoto', 'Edo', 'Kanazawa'],
    periods: [
      { period: 'Muromachi period', from: 1392, to: 1573 },
      { period: 'Momoyama period', from: 1573, to: 1615 },
      { period: 'Edo period', from: 1615, to: 1868 },
      { period: 'Meiji period', from: 1868, to: 1912 },
    ],
    artists: 'japanese',
  },
  korea: {
    culture: 'Korean',
    country: 'Korea',
    cities: ['', 'Gangjin', 'Buan'],
    periods: [
      { period: 'Goryeo period', dynasty: 'Goryeo dynasty', from: 918, to: 1392 },
      { period: 'Joseon period', dynasty: 'Joseon dynasty', from: 1392, to: 1910 },
    ],
  },
  vietnam: {
    culture: 'Vietnamese',
    country: 'Vietnam',
    cities: ['', 'Chu Đậu', 'Huế'],
    periods: [{ period: '', dynasty: 'Lê dynasty', from: 1428, to: 1789 }],
  },
  india: {
    culture: 'Indian',
    country: 'India',
    cities: ['', 'Jaipur', 'Thanjavur', 'Agra'],
    periods: [
      { period: 'Chola period', from: 880, to: 1279 },
      { period: 'Mughal period', from: 1526, to: 1857 },
    ],
  },
  tibet: { culture: 'Tibetan', country: 'Tibet', cities: [''], periods: [{ period: '', from: 1400, to: 1850 }] },
  persia: {
    culture: 'Iranian',
    country: 'Iran',
    cities: ['', 'Isfahan', 'Tabriz', 'Kashan'],
    periods: [
      { period: 'Seljuq period', from: 1040, to: 1194 },
      { period: 'Timurid period', from: 1370, to: 1507 },
      { period: 'Safavid period', from: 1501, to: 1722 },
    ],
    artists: 'persian',
  },
  ottoman: {
    culture: 'Turkish',
    country: 'Türkiye',
    cities: ['İznik', 'Bursa', 'İstanbul'],
    periods: [{ period: 'Ottoman period', from: 1453, to: 1800 }],
  },
  mamluk: {
    culture: 'Egyptian',
    country: 'Egypt',
    cities: ['Cairo'],
    periods: [{ period: 'Mamluk period', from: 1250, to: 1517 }],
  },
  egypt: {
    culture: 'Egyptian',
    country: 'Egypt',
    cities: ['', 'Thebes', 'Saqqara', 'Abydos'],
    periods: [
      { period: 'Middle Kingdom', dynasty: 'Dynasty 12', from: -1981, to: -1802 },
      { period: 'New Kingdom', dynasty: 'Dynasty 18', from: -1550, to: -1295 },
      { period: 'Late Period', dynasty: 'Dynasty 26', from: -664, to: -525 },
    ],
  },
  greece: {
    culture: 'Greek, Attic',
    country: 'Greece',
    cities: ['Athens'],
    periods: [
      { period: 'Archaic', from: -600, to: -480 },
      { period: 'Classical', from: -480, to: -323 },
    ],
  },
  rome: {
    culture: 'Roman',
    country: 'Italy',
    cities: ['', 'Rome', 'Pompeii'],
    periods: [
      { period: 'Early Imperial', from: -27, to: 98 },
      { period: 'Mid Imperial', from: 98, to: 235 },
    ],
  },
  france: {
    culture: 'French',
    country: 'France',
    cities: ['Paris', 'Lyon', 'Sèvres', 'Limoges'],
    periods: [{ period: '', from: 1640, to: 1910 }],
    artists: 'french',
  },
  germany: {
    culture: 'German',
    country: 'Germany',
    cities: ['Nürnberg', 'Augsburg', 'Meißen', 'Dresden'],
    periods: [{ period: '', from: 1520, to: 1900 }],
    artists: 'german',
  },
  italy: {
    culture: 'Italian',
    country: 'Italy',
    cities: ['Venice', 'Florence', 'Milan', 'Naples'],
    periods: [{ period: '', from: 1450, to: 1800 }],
    artists: 'italian',
  },
  spain: {
    culture: 'Spanish',
    country: 'Spain',
    cities: ['Sevilla', 'Toledo', 'Valencia'],
    periods: [{ period: '', from: 1480, to: 1880 }],
    artists: 'spanish',
  },
  britain: {
    culture: 'British',
    country: 'England',
    cities: ['London', 'Staffordshire', 'Birmingham'],
    periods: [{ period: '', from: 1680, to: 1910 }],
    artists: 'british',
  },
  netherlands: {
    culture: 'Dutch',
    country: 'Netherlands',
    cities: ['Delft', 'Haarlem', 'Amsterdam'],
    periods: [{ period: '', from: 1600, to: 1780 }],
    artists: 'dutch',
  },
  bohemia: {
    culture: 'Bohemian',
    country: 'Czech Republic',
    cities: ['Praha', 'Jablonec'],
    periods: [{ period: '', from: 1600, to: 1930 }],
    artists: 'czech',
  },
  scandinavia: {
    culture: 'Danish',
    country: 'Denmark',
    cities: ['København', 'Århus'],
    periods: [{ period: '', from: 1700, to: 1930 }],
    artists: 'danish',
  },
  america: {
    culture: 'American',
    country: 'United States',
    cities: ['Boston', 'Philadelphia', 'New Bedford', 'Santa Fe'],
    periods: [{ period: '', from: 1750, to: 1940 }],
    artists: 'american',
  },
  mexico: {
    culture: 'Mexican',
    country: 'Mexico',
    cities: ['Puebla', 'Ciudad de México'],
    periods: [{ period: '', from: 1650, to: 1930 }],
    artists: 'spanish',
  },
  yoruba: {
    culture: 'Yorùbá peoples',
    country: 'Nigeria',
    cities: [''],
    periods: [{ period: '', from: 1800, to: 1950 }],
  },
  edo: {
    culture: 'Edo peoples',
    country: 'Nigeria',
    cities: ['Benin City'],
    periods: [{ period: 'Court of Benin', from: 1500, to: 1890 }],
  },
  dogon: { culture: 'Dogon peoples', country: 'Mali', cities: [''], periods: [{ period: '', from: 1600, to: 1940 }] },
  kuba: {
    culture: 'Kuba peoples',
    country: 'Democratic Republic of the Congo',
    cities: [''],
    periods: [{ period: '', from: 1850, to: 1950 }],
  },
  moche: {
    culture: 'Moche',
    country: 'Peru',
    cities: [''],
    periods: [{ period: 'Early Intermediate', from: 200, to: 800 }],
  },
  maya: {
    culture: 'Maya',
    country: 'Guatemala',
    cities: [''],
    periods: [{ period: 'Late Classic', from: 600, to: 900 }],
  },
  maori: {
    culture: 'Māori people',
    country: 'New Zealand',
    cities: [''],
    periods: [{ period: '', from: 1750, to: 1900 }],
  },
  haida: {
    culture: 'Haida',
    country: 'Canada',
    cities: ['Haida Gwaii'],
    periods: [{ period: '', from: 1820, to: 1920 }],
  },
} as const satisfies Readonly<Record<string, Tradition>>;

export type TraditionName = keyof typeof TRADITIONS;
