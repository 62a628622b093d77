import { runContract } from './contract.ts';
import { memoryFixture } from './store-fixtures.ts';

runContract('memory', memoryFixture);
