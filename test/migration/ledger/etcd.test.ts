import { describe } from 'vitest';
import { NO_ETCD, sharedEtcd } from '../../support/etcd.ts';
import { runContract } from './contract.ts';
import { etcdFixture } from './store-fixtures.ts';

describe.skipIf(NO_ETCD !== null)('one member', () => {
  const etcd = sharedEtcd();
  runContract('etcd', () => etcdFixture(etcd()));
});
