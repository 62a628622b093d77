/** A wire that a test can cut: what is sent over it then goes nowhere, and nobody is told. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;
  #mute = false;
  #lost: () => void = () => {};

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param target `HOST:PORT` */
  static async start(target: string): Promise<Relay> {
    const [host, port] = target.split(':') as [string, string];
    const server = createServer((near) => relay.#join(near, connect(Number(port), host)));
    const relay = new Relay(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => relay.close());
    return relay;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#cut = true;
  }

  /** While it is, what is sent arrives, and no answer does; `lost` is called for each piece of one. */
  mute(mute: boolean, lost: () => void = () => {}): void {
    this.#mute = mute;
    this.#lost = lost;
  }

  /** Old connections are gone, new ones get through. */
  mend(): void {
    this.#cut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => {
        if (this.#cut) return;
        if (this.#mute && from === far) this.#lost();
        else to.write(bytes);
      });
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
