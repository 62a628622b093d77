/** A client byte by byte: what the driver would hide. */
import { ClientHandshake } from '../../src/handshake/client.ts';
import { dial } from '../../src/transport/address.ts';
import type { Message, MessageInput } from '../../src/wire/messages.ts';
import type { TestEnvironment } from './environment.ts';
import { Recorder } from './recorder.ts';

/** Preface and hello of a client. */
export function helloBytes(version: string, more: Partial<MessageInput<'hello'>> = {}): Uint8Array {
  return new ClientHandshake({ version, driver: 'raw', properties: {}, ...more }).start();
}

export async function dialRaw(world: TestEnvironment, address: string): Promise<Recorder> {
  return new Recorder(await world.finish(dial(world.transports, address)));
}

export interface Answers {
  readonly waits: readonly Message<'wait'>[];
  readonly permit: Message<'permit'> | null;
  readonly refuse: Message<'refuse'> | null;
  /** Raw bytes behind the permit. */
  readonly rest: Buffer;
}

/** What the gate's bytes say. @throws {WireFault} if they are not the protocol's. */
export function answersIn(bytes: Uint8Array): Answers {
  const handshake = new ClientHandshake({ version: '1.0.0', driver: '', properties: {} });
  handshake.start();
  const events = handshake.receive(bytes);
  const permitted = events.find((event) => event.kind === 'permit');
  return {
    waits: events.flatMap((event) => (event.kind === 'wait' ? [event.wait] : [])),
    permit: permitted?.permit ?? null,
    refuse: events.find((event) => event.kind === 'refuse')?.refuse ?? null,
    rest: Buffer.from(permitted?.early ?? []),
  };
}
