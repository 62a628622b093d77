/** Gates of a test, as far as what they share goes. */
import { onTestFinished } from 'vitest';
import type { Announcement } from '../../src/coordination/announcement.ts';
import { Coordination } from '../../src/coordination/coordination.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { seeded } from '../support/random.ts';
import { cuttable, type Place } from './places.ts';

export const CLUSTER = 'shop';

export interface Member {
  readonly coordination: Coordination;
  /** What it says of itself from the next announcement on. */
  says: Omit<Announcement, 'id' | 'heeds'>;
  /** Whether its store is out of reach. */
  readonly way: { cut: boolean };
}

let seeds = 0;

export async function join(
  place: Place,
  id: string,
  { clock = place.clock, start = true }: { readonly clock?: Clock; readonly start?: boolean } = {},
): Promise<Member> {
  const way = cuttable(place.open());
  const says: Member['says'] = {
    admin: null,
    program: '1.2.3',
    policyHash: 'aaa',
    catalogueHash: 'bbb',
    startedAt: clock.now(),
    state: 'serving',
    sessions: {},
  };
  const member: Member = {
    says,
    way,
    coordination: new Coordination({
      id,
      store: way.store,
      cluster: CLUSTER,
      clock,
      random: seeded(++seeds),
      describe: () => member.says,
      close: async () => {},
    }),
  };
  onTestFinished(() => {
    way.cut = true;
    return place.finish(member.coordination.stop());
  });
  if (start) await place.finish(member.coordination.start());
  return member;
}

export const idsSeenBy = ({ coordination }: Member) => coordination.gates().map(({ id }) => id);
