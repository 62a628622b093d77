import { runContract } from './contract.ts';
import { sqlitePlace } from './places.ts';

runContract('sqlite', sqlitePlace);
