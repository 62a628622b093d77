/** Gates of a test, as far as what they share goes. */
import { onTestFinished } from 'vitest';
import type { Cluster } from '../../src/cluster/cluster.ts';
import type { Announcement } from '../../src/coordination/announcement.ts';
import { Coordination, type CoordinationOptions } from '../../src/coordination/coordination.ts';
import type { Order } from '../../src/gateway/orders.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { seeded } from '../support/random.ts';
import { cuttable, type Place } from './places.ts';

export const CLUSTER = 'shop';

export interface Member {
  readonly coordination: Coordination;
  /** What it says of itself from the next announcement on. */
  /** The orders that it heeds. */
  heeded: readonly Order[];
  /** What it said of the store. */
  readonly said: (string | null)[];
  says: Omit<Announcement, 'id' | 'heeds'>;
  /** Whether its store is out of reach. */
  readonly way: { cut: boolean; readOnly: boolean };
}

let seeds = 0;

export async function join(
  place: Place,
  id: string,
  {
    clock = place.clock,
    start = true,
    probed,
    readOnly = false,
    isProber = true,
    fingerprints = () => new Map(),
    beforeProbing = async () => {},
  }: {
    readonly clock?: Clock;
    readonly start?: boolean;
    readonly probed?: Pick<Cluster, 'probes' | 'hear'>;
    /** Whether it can't write to the store. */
    readonly readOnly?: boolean;
    readonly isProber?: boolean;
    readonly fingerprints?: CoordinationOptions['fingerprints'];
    /** What the gate does between its announcement and its part in probing. */
    readonly beforeProbing?: () => Promise<void>;
  } = {},
): Promise<Member> {
  const way = cuttable(place.open());
  way.readOnly = readOnly;
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
    heeded: [],
    said: [],
    says,
    way,
    coordination: new Coordination({
      id,
      store: way.store,
      cluster: CLUSTER,
      clock,
      random: seeded(++seeds),
      describe: () => member.says,
      orders: {
        setShared(orders) {
          member.heeded = orders;
        },
      },
      outOfReach: (why) => member.said.push(why),
      probes: probed?.probes ?? { round: async () => {}, keep: async () => {}, pause: 5_000 },
      hear: (finding, isTold) => probed?.hear(finding, isTold),
      isProber,
      fingerprints,
      times: () => ({ probe: 5_000, dial: 3_000 }),
      close: async () => {},
    }),
  };
  onTestFinished(() => {
    way.cut = true;
    return place.finish(member.coordination.stop());
  });
  if (start) await place.finish(member.coordination.start());
  if (start && probed) {
    await place.finish(beforeProbing());
    await place.finish(member.coordination.startProbing());
  }
  return member;
}

export const idsSeenBy = ({ coordination }: Member) => coordination.gates().map(({ id }) => id);
