/**
 * What the clients of others' protocols have in common: they can be told nothing while they wait, nothing but the
 * session once they are admitted, and their hello is settled once, by whatever comes first.
 */
import type { Decision } from '../policy/types.ts';
import type { CancelSignal } from '../ports/cancellation.ts';
import type { Connection } from '../ports/transport.ts';
import { claimMissing, readClaim } from './claim.ts';
import { EarlyDataBuffer, type EarlyFault, type EarlyMemory } from './early-data.ts';
import type { Ahead, HelloResult, PendingClient } from './pending-client.ts';
import type { SpeakingOptions } from './speaks.ts';

/** A client of one such protocol, which says how its first messages are read, and how it is refused. */
export abstract class SpeakingClient implements PendingClient {
  abstract readonly protocol: string;
  readonly connection: Connection;
  protected readonly options: SpeakingOptions;
  protected readonly early: EarlyDataBuffer;
  readonly #hello = Promise.withResolvers<HelloResult>();
  #isSettled = false;

  constructor(connection: Connection, options: SpeakingOptions, memory: EarlyMemory | undefined) {
    this.connection = connection;
    this.options = options;
    this.early = new EarlyDataBuffer(connection, memory);
  }

  /** Begins to read; what is read may come at once, so a subclass calls it once it is whole. */
  protected start(): void {
    this.connection.handle({
      data: (bytes) => this.receive(bytes),
      end: () => {
        this.early.end();
        this.leave();
      },
      drain() {},
      close: () => {
        this.leave();
        this.early.leave();
      },
    });
  }

  get gone(): CancelSignal {
    return this.early.gone;
  }

  get fault(): EarlyFault | null {
    return this.early.fault;
  }

  abstract get spokenWith(): Connection | null;

  hello(ahead: Ahead): Promise<HelloResult> {
    this.begin(ahead);
    return this.#hello.promise;
  }

  abstract onto(server: Connection): Connection;

  wait(): void {}

  permit(): void {}

  refuse(decision: Decision): void {
    this.fail(decision.code, decision.message);
    this.connection.send(this.refusal(decision));
    this.connection.close();
  }

  earlyData(): EarlyDataBuffer {
    return this.early;
  }

  protected get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Its hello is asked for; a server can be had for it. */
  protected abstract begin(ahead: Ahead): void;

  protected abstract receive(bytes: Uint8Array): void;

  /** It ended its side, or is gone. */
  protected abstract leave(): void;

  /** A refusal in the protocol's words. */
  protected abstract refusal(decision: Decision): Uint8Array;

  /** Called once, when its hello is settled. */
  protected abstract onSettled(): void;

  /** All is heard that it says of itself. @param carried as `readClaim` takes it */
  protected judge(
    carried: Parameters<typeof readClaim>[1],
    said: { readonly driver: string; readonly properties: Readonly<Record<string, string>> },
  ): void {
    const { claims } = this.options;
    const claim = readClaim(claims, carried);
    if (claim === null) return this.settle(claimMissing(claims));
    const { version, source } = claim;
    const { upgrade, protocol } = claims;
    this.settle({
      kind: 'hello',
      hello: { version, ...said, upgrade, claim: { source }, ...(protocol && { protocol }) },
    });
  }

  protected fail(code: Decision['code'], message: string): void {
    this.settle({ kind: 'failed', code, message });
  }

  protected settle(result: HelloResult): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#hello.resolve(result);
    this.onSettled();
  }
}
