import { runContract } from './contract.ts';
import { sqliteFixture } from './store-fixtures.ts';

runContract('sqlite', sqliteFixture);
