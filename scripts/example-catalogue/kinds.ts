import { ASIAN_ART } from './kinds/asian-art.ts';
import { ARMS_AND_ARMOR } from './kinds/arms-and-armor.ts';
import { PICTURES } from './kinds/pictures.ts';
import { DECORATIVE_ARTS } from './kinds/decorative-arts.ts';
import { TEXTILES_AND_INSTRUMENTS } from './kinds/textiles-and-instruments.ts';
import { COINS_AND_MEDALS } from './kinds/coins.ts';
import { ANCIENT_AND_MEDIEVAL_ART } from './kinds/ancient-and-medieval-art.ts';
import { WORLD_ARTS } from './kinds/world-arts.ts';
import type { Kind } from './kinds/kind.ts';

/** All kinds of objects in the example catalogue. */
export const KINDS: readonly Kind[] = [
  ...ASIAN_ART,
  ...ARMS_AND_ARMOR,
  ...PICTURES,
  ...DECORATIVE_ARTS,
  ...TEXTILES_AND_INSTRUMENTS,
  ...COINS_AND_MEDALS,
  ...ANCIENT_AND_MEDIEVAL_ART,
  ...WORLD_ARTS,
];
