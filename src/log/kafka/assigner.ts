/**
 * Who works on which unit, decided by the group's leader. A unit is a partition number: its owner has that partition
 * of every input topic of the group.
 *
 * Cooperative: a unit that has to move is first taken from its owner and given to nobody. The owner finishes its work on
 * it and joins again without claiming it; only then does it go to somebody else. What stays is never interrupted.
 */

/** What a member says of itself when it joins. */
export interface Claim {
  /** Units assigned to it, which it wants to keep. */
  readonly owned: readonly number[];
  /** Units taken from it whose work it has not finished yet: nobody may have them, not even itself. */
  readonly releasing: readonly number[];
  /** Generation of its latest assignment; -1 when it has none. */
  readonly generation: number;
}

export interface MemberClaim extends Claim {
  readonly memberId: string;
}

/**
 * The units of every member, ascending; none for some where there are more members than units. Sizes differ by at most
 * one once nothing is withheld. A member keeps what it owns up to its share. The order of the claims makes no difference.
 *
 * Two claims of one unit: the higher generation wins. Equal generations: nobody keeps it.
 *
 * @param units how many there are, numbered from 0; claims beyond are ignored.
 */
export function assignUnits(claims: readonly MemberClaim[], units: number): ReadonlyMap<string, readonly number[]> {
  const memberIds = claims.map(({ memberId }) => memberId).sort();
  const assigned = new Map(memberIds.map((memberId): [string, number[]] => [memberId, []]));
  const keepers = keepersOf(claims, units);
  const free: number[] = [];
  for (let unit = 0; unit < units; unit++) {
    if (!keepers.has(unit)) free.push(unit);
    else assigned.get(keepers.get(unit) ?? '')?.push(unit);
  }
  const shares = sharesOf(assigned, units);
  for (const { own, share } of shares) own.splice(share);
  for (const unit of free) leastOf(shares)?.push(unit);
  for (const own of assigned.values()) own.sort((a, b) => a - b);
  return assigned;
}

/** Who keeps each claimed unit; undefined where it is withheld. */
function keepersOf(claims: readonly MemberClaim[], units: number): ReadonlyMap<number, string | undefined> {
  const winners = new Map<number, { readonly generation: number; readonly keeper: string | undefined }>();
  const consider = (unit: number, generation: number, keeper: string | undefined) => {
    if (unit >= units) return;
    const winner = winners.get(unit);
    if (winner === undefined || generation > winner.generation) winners.set(unit, { generation, keeper });
    else if (generation === winner.generation) winners.set(unit, { generation, keeper: undefined });
  };
  for (const { memberId, owned, releasing, generation } of claims) {
    for (const unit of owned) consider(unit, generation, memberId);
    for (const unit of releasing) consider(unit, generation, undefined);
  }
  return new Map([...winners].map(([unit, { keeper }]) => [unit, keeper]));
}

interface Share {
  readonly own: number[];
  /** Most units that this member may have. */
  readonly share: number;
}

/** The larger shares go to those who have most now, so that the fewest units move. */
function sharesOf(assigned: ReadonlyMap<string, number[]>, units: number): readonly Share[] {
  const smaller = Math.floor(units / assigned.size);
  const largerShares = units % assigned.size;
  // The sort is stable: members with as much as each other stay in the order of their ids.
  const byHoldings = [...assigned.values()].sort((a, b) => b.length - a.length);
  return byHoldings.map((own, index) => ({ own, share: index < largerShares ? smaller + 1 : smaller }));
}

/** Who has least of those below their share: a member that has nothing does not wait for what others give up. */
function leastOf(shares: readonly Share[]): number[] | undefined {
  const below = shares.filter(({ own, share }) => own.length < share).map(({ own }) => own);
  return below.reduce<number[] | undefined>(
    (least, own) => (least === undefined || own.length < least.length ? own : least),
    undefined,
  );
}
