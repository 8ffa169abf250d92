import type { TraditionName } from '../traditions.ts';

/** A phrase for a title, with the tags it earns: `coiled dragons #Dragons`. */
export type Motif = string;

/** A kind of object, of which the generator makes many. */
export interface Kind {
  readonly department: string;
  readonly classification: string;
  readonly names: readonly string[];
  readonly mediums: readonly string[];
  /** `{name}` and `{motif}` are filled in; the result is a sentence without its full stop. */
  readonly titles: readonly string[];
  readonly motifs: readonly Motif[];
  readonly from: readonly TraditionName[];
  /** When it was made, where that is narrower than its tradition. */
  readonly years?: readonly [from: number, to: number];
  /** Relative number of objects. Default 1. */
  readonly weight?: number;
  /** Makers are named. */
  readonly isSigned?: boolean;
  readonly role?: string;
  readonly size: 'vessel' | 'flat' | 'small' | 'large';
}
