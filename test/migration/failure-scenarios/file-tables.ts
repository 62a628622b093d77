/** Tables of a simulated cluster in plain files: a level that hooks and tests can change as well. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { StaleToken, type Tables } from '../../../src/server/tables.ts';

export class FileTables implements Tables {
  readonly #level: string;
  readonly #token: string;
  /** Steps completed by servers, in order. */
  readonly completed: number[] = [];
  /** Steps whose token was too old. */
  readonly refused: number[] = [];

  constructor(folder: string, level: number) {
    this.#level = path.join(folder, 'level');
    this.#token = path.join(folder, 'token');
    writeFileSync(this.#level, String(level));
    writeFileSync(this.#token, '0');
  }

  get level(): number {
    return Number(readFileSync(this.#level, 'utf8'));
  }

  set level(level: number) {
    writeFileSync(this.#level, String(level));
  }

  get token(): number {
    return Number(readFileSync(this.#token, 'utf8'));
  }

  begin(token: number): void {
    if (token < this.token) {
      this.refused.push(token);
      throw new StaleToken(token, this.token);
    }
    writeFileSync(this.#token, String(token));
  }

  complete(token: number, level: number): void {
    this.begin(token);
    this.level = Math.max(this.level, level);
    this.completed.push(level);
  }

  close(): void {}
}
