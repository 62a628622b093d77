/** Programs that a scenario names in place of a simulated server or client. */
import net from 'node:net';

type Command = readonly [string, ...string[]];

/** `{port}` and so on, wherever they stand in an argument. */
export function fill(command: readonly string[], values: Readonly<Record<string, string | number>>): Command {
  const filled = command.map((part) =>
    part.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)),
  );
  return filled as unknown as Command;
}

/** Of 127.0.0.1; nobody's when it was chosen. */
export function freePort(): Promise<number> {
  const server = net.createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Whether somebody takes connections there. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    const settle = (up: boolean) => {
      socket.destroy();
      resolve(up);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
