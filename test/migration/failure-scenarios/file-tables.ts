/** Tables of a simulated cluster in plain files: a level that hooks and tests can change as well. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type AskingLedger, ask } from '../../../src/server/fence.ts';
import type { Tables } from '../../../src/server/tables.ts';

export class FileTables implements Tables {
  readonly #level: string;
  readonly #token: string;
  readonly #ledgers: string;
  /** Steps completed by servers, in order. */
  readonly completed: number[] = [];
  /** Tokens that were refused. */
  readonly refused: number[] = [];

  constructor(folder: string, level: number) {
    this.#level = path.join(folder, 'level');
    this.#token = path.join(folder, 'token');
    this.#ledgers = path.join(folder, 'ledgers');
    writeFileSync(this.#level, String(level));
    writeFileSync(this.#token, '0');
    writeFileSync(this.#ledgers, '[]');
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

  get ledgers(): readonly AskingLedger[] {
    return JSON.parse(readFileSync(this.#ledgers, 'utf8'));
  }

  begin(token: number, ledger: string | null = null): void {
    const { fence, refusal } = ask(this, token, ledger);
    writeFileSync(this.#ledgers, JSON.stringify(fence.ledgers));
    if (refusal !== null) {
      this.refused.push(token);
      throw refusal;
    }
    writeFileSync(this.#token, String(token));
  }

  complete(token: number, level: number, ledger: string | null = null): void {
    this.begin(token, ledger);
    this.level = Math.max(this.level, level);
    this.completed.push(level);
  }

  close(): void {}
}
