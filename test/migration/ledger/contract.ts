/**
 * What a ledger promises over any store: every store runs all of it, and supplies only a place to keep data and a
 * way to let leases lapse.
 */
import { describe, test } from 'vitest';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import type { Store } from '../../../src/migration/ledger/store.ts';
import { claimRules } from './contract/claims.ts';
import { concurrencyRules } from './contract/concurrency.ts';
import { guardRules } from './contract/guards.ts';
import { historyRules } from './contract/history.ts';
import { operatorRules } from './contract/operator.ts';
import { recordRules } from './contract/records.ts';
import { takeoverRules } from './contract/takeover.ts';
import { CLUSTER, type ContractHarness, type Rules, type StoreFixture } from './contract-harness.ts';

const RULES: Readonly<Record<string, Rules>> = {
  claims: claimRules,
  takeover: takeoverRules,
  'guards of the store': guardRules,
  'several at once': concurrencyRules,
  'the operator': operatorRules,
  history: historyRules,
  'old, foreign and missing records': recordRules,
};

export function runContract(name: string, setup: () => StoreFixture | Promise<StoreFixture>): void {
  for (const [group, rules] of Object.entries(RULES))
    describe.concurrent(`${name}: ${group}`, () => {
      for (const [rule, hold] of Object.entries(rules))
        test(rule, async () => {
          await using place = await setup();
          const stores: Store[] = [];
          const open = () => {
            const store = place.open();
            stores.push(store);
            return store;
          };
          const another = (cluster = CLUSTER) => new Ledger(open(), cluster, place.clock);
          const harness: ContractHarness = Object.assign(Object.create(place) as StoreFixture, {
            open,
            another,
            ledger: another(),
          });
          try {
            await hold(harness);
          } finally {
            for (const store of stores) await store.close();
          }
        });
    });
}
