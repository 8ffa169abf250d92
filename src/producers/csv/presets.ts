import { columnIndex } from './columns.ts';

export const PRESET_NAMES = ['met-objects'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** What is known of a published catalogue's columns, so that nothing has to be guessed. */
export interface Preset {
  readonly name: PresetName;
  readonly title: string;
  /** The header is this catalogue's when it has all of these, spelled so. */
  readonly signature: readonly string[];
  readonly id: string;
  /** Ids look like this; a row whose id does not is damaged. */
  readonly idPattern: RegExp;
  readonly idForm: string;
  readonly text: string;
  /** Columns whose values are lists with `|` between. */
  readonly lists: readonly string[];
}

/**
 * https://github.com/metmuseum/openaccess. Its ids are whole numbers. The text names what a visitor would ask for:
 * what it is, who made it, where and when, of what, and what it shows. Titles often repeat the object's name, and
 * such repeats are dropped. As metadata go all columns but the id: filters and result lists want them all.
 */
const MET_OBJECTS: Preset = {
  name: 'met-objects',
  title: 'the Metropolitan Museum’s open catalogue',
  signature: [
    'Object Number',
    'Object ID',
    'Is Public Domain',
    'Department',
    'Object Name',
    'Title',
    'Medium',
    'Credit Line',
  ],
  id: 'Object ID',
  idPattern: /^\d+$/,
  idForm: 'a whole number',
  text:
    '{Title}. {Object Name}. {Artist Display Name}, {Artist Nationality}. {Culture}. {Period}. {Dynasty}. ' +
    '{Object Date}. {Medium}. {Classification}. {Country}. {Department}. {Tags}',
  lists: ['Object Name', 'Artist Display Name', 'Artist Nationality', 'Country', 'Classification', 'Tags'],
};

const PRESETS: Readonly<Record<PresetName, Preset>> = { 'met-objects': MET_OBJECTS };

export function presetNamed(name: PresetName): Preset {
  return PRESETS[name];
}

/** The preset whose signature the header holds. */
export function presetForHeader(names: readonly string[]): Preset | undefined {
  return Object.values(PRESETS).find((preset) => preset.signature.every((column) => names.includes(column)));
}

/** A preset's template without the placeholders of columns that this file lacks. */
export function presetColumns(preset: Preset, names: readonly string[]): string {
  const present = preset.text.split(/(?<=[.,] )(?={)/).filter((piece) => {
    const column = /{(.*?)}/.exec(piece)?.[1] ?? '';
    return columnIndex(names, column) >= 0;
  });
  return present.join('').replace(/[., ]+$/, '');
}
