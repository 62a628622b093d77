import { runContract } from './contract.ts';
import { memoryPlace } from './places.ts';

runContract('memory', memoryPlace);
