/**
 * The way from one gate to one server: a port that stays the same while the server comes and goes on others. It
 * can be cut. A link that is cut, or leads nowhere, resets whoever comes.
 */
import net from 'node:net';
import { type HostPort, printHostPort } from '../../transport/address.ts';

/** A TCP forwarder on a free port of 127.0.0.1 that can be cut, healed and pointed elsewhere. */
export class Link {
  /** `HOST:PORT` for the gate. */
  readonly address: string;
  readonly #server: net.Server;
  /** This machine's ends of the connections that it made, `HOST:PORT`, also of those that are gone. */
  readonly ends = new Set<string>();
  readonly #open = new Set<net.Socket>();
  /** Null: nowhere. */
  #target: HostPort | null;
  #cut = false;

  private constructor(server: net.Server, target: HostPort | null) {
    const { address, port } = server.address() as net.AddressInfo;
    this.address = printHostPort({ host: address, port });
    this.#server = server;
    this.#target = target;
    server.on('connection', (near) => this.#join(near));
  }

  static open(target: HostPort | null = null): Promise<Link> {
    const server = net.createServer({ allowHalfOpen: true });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(new Link(server, target)));
    });
  }

  pointTo(target: HostPort | null): void {
    this.#target = target;
  }

  cut(): void {
    this.#cut = true;
    this.#reset();
  }

  heal(): void {
    this.#cut = false;
  }

  close(): void {
    this.#server.close();
    this.#reset();
  }

  #reset(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  #join(near: net.Socket): void {
    near.on('error', () => {});
    if (this.#cut || this.#target === null) {
      near.resetAndDestroy();
      return;
    }
    const far = net.connect({ ...this.#target, allowHalfOpen: true });
    far.once('connect', () => {
      this.ends.add(printHostPort({ host: far.localAddress ?? '', port: far.localPort ?? 0 }));
    });
    this.#couple(near, far);
    this.#couple(far, near);
    near.pipe(far);
    far.pipe(near);
  }

  /** An end of the one is passed on by the pipe; whatever breaks it is passed on here. */
  #couple(socket: net.Socket, other: net.Socket): void {
    this.#open.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => other.resetAndDestroy());
    socket.on('close', () => {
      this.#open.delete(socket);
      if (!other.destroyed && !other.writableEnded) other.resetAndDestroy();
    });
  }
}
