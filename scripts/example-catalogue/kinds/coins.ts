import type { Kind } from './kind.ts';

/** What all coins have in common. */
const COINS = {
  department: 'Coins and Medals',
  classification: 'Coins',
  size: 'small',
  titles: ['{name} with {motif}', '{name} showing {motif}'],
  names: ['Coin', 'Coin', 'Medal', 'Token'],
  mediums: ['Silver', 'Gold', 'Copper alloy', 'Bronze', 'Billon'],
} as const;

/** Coins and medals, by who struck them. */
export const COINS_AND_MEDALS: readonly Kind[] = [
  {
    ...COINS,
    weight: 0.8,
    motifs: [
      'an owl and olive branch #Owls',
      'the head of an emperor #Emperors',
      'a war galley #Ships',
      'a standing eagle #Eagles',
      'two clasped hands #Hands',
      'a crab #Crabs',
      'a temple with six columns #Temples',
    ],
    from: ['greece', 'rome', 'rome'],
  },
  {
    ...COINS,
    weight: 0.4,
    motifs: [
      'a square hole and four characters',
      'a dragon and a rising sun #Dragons|Sun',
      'a spade-shaped outline',
      'paulownia leaves #Leaves',
    ],
    from: ['ancientChina', 'china', 'japan'],
  },
  {
    ...COINS,
    weight: 0.8,
    motifs: [
      'the head of Liberty #Liberty',
      'a ship under sail #Ships',
      'an elephant with its driver #Elephants',
      'a portrait of a scholar #Men|Portraits',
      'a wheat sheaf #Wheat',
      'Saint George and the dragon #Saints|Dragons',
      'the arms of a city #Coat of Arms',
      'a bear walking #Bears',
    ],
    from: ['america', 'germany', 'germany', 'india', 'britain', 'italy'],
  },
];
