/** Invented makers: any given name goes with any family name of its list. */
export interface ArtistNames {
  readonly nationality: string;
  readonly women: readonly string[];
  readonly men: readonly string[];
  readonly families: readonly string[];
  readonly familyFirst?: boolean;
}

export const ARTISTS: Readonly<Record<string, ArtistNames>> = {
  french: {
    nationality: 'French',
    women: ['Hélène', 'Zoé', 'Marie-Ange'],
    men: ['Étienne', 'Jean-Loïc', 'Théophane'],
    families: ['Duvernay-Roche', 'Lachaumière', 'Brûlefort', 'de Saint-Aubray'],
  },
  german: {
    nationality: 'German',
    women: ['Käthe', 'Änne', 'Friederike'],
    men: ['Jürgen', 'Götz', 'Hans-Ulrich'],
    families: ['Böhmerling', 'Strauchfuß', 'Krähwinkler', 'von Löwenau'],
  },
  italian: {
    nationality: 'Italian',
    women: ['Fiammetta', 'Nicolò’s daughter Lucia', 'Agnese'],
    men: ['Nicolò', 'Giosuè', 'Pier Andrea'],
    families: ['Bellacqua', 'dell’Orto Vecchio', 'Trabucchi', 'Sanmartèo'],
  },
  spanish: {
    nationality: 'Spanish',
    women: ['Inés', 'María Begoña'],
    men: ['Íñigo', 'José Ramón', 'Andrés'],
    families: ['Peñalvarez', 'Ibarreña', 'Quiñonero', 'de la Fuente Muñiz'],
  },
  british: {
    nationality: 'British',
    women: ['Winifred', 'Ottoline'],
    men: ['Barnaby', 'Eustace', 'Cuthbert'],
    families: ['Ashgrove-Pell', 'Thistlewick', 'O’Marlow', 'Penhallick'],
  },
  dutch: {
    nationality: 'Dutch',
    women: ['Geertje', 'Liesbeth'],
    men: ['Joost', 'Reinier', 'Daniël'],
    families: ['van der Rietbeek', 'Kwakernaat', 'de Wilgh', 'Ooijevaer'],
  },
  czech: {
    nationality: 'Czech',
    women: ['Božena', 'Růžena'],
    men: ['Zdeněk', 'Jiří', 'Ondřej'],
    families: ['Dvořáčkovič', 'Hřebíček-Tlustý', 'Křišťálek'],
  },
  danish: {
    nationality: 'Danish',
    women: ['Åse', 'Birgitte'],
    men: ['Søren', 'Jørgen', 'Bjørn'],
    families: ['Rødgård', 'Ellemose', 'Højbjælke'],
  },
  american: {
    nationality: 'American',
    women: ['Prudence', 'Harriet Mae'],
    men: ['Ezekiel', 'Josiah', 'Thaddeus'],
    families: ['Whitlock-Hale', 'Pemberwick', 'McAllander', 'Grünewald Stone'],
  },
  japanese: {
    nationality: 'Japanese',
    women: ['Oyū', 'Chiyojo'],
    men: ['Genjirō', 'Shōzan', 'Ryūkei'],
    families: ['Sawamori', 'Kōzukawa', 'Tsurumine'],
    familyFirst: true,
  },
  chinese: {
    nationality: 'Chinese',
    women: ['Yùlán'],
    men: ['Wénqīng', 'Zǐmíng', 'Bǎoshān'],
    families: ['Lú', 'Shěn', 'Ouyang'],
    familyFirst: true,
  },
  persian: {
    nationality: 'Iranian',
    women: ['Mahīn'],
    men: ['Mīr Farrukh', 'Ustād Rūzbihān', 'Ḥusām al-Dīn'],
    families: ['Kāshānī-yi Naqqāsh', 'Tabrīzī', 'Sabzawārī'],
  },
};
