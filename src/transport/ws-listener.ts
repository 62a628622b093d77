/** A WebSocket port: HTTP until a request to upgrade, a connection from there on. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import type { Connection, HandshakeFailure, Listener, ListenOptions } from '../ports/transport.ts';
import { bind, keepAlive, peerOf, stopListening } from './socket.ts';
import { WS_OPTIONS, WsConnection } from './ws-connection.ts';
import { GARBAGE, LATE, PendingSockets } from './ws-pending.ts';
import { WsStream } from './ws-stream.ts';
import { type CompleteUpgrade, PendingWsConnection } from './ws-upgrade.ts';

/** ms that a connection has to become a WebSocket. */
const HTTP_LIMITS = { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };

/** Characters of a foreign origin that the log shows. */
const MAX_ORIGIN = 200;

/** Listens for WebSockets. @throws {Error} if the address can't be bound */
export async function listenForWebSockets(address: string, options: ListenOptions): Promise<Listener> {
  const { accept, track } = options;
  const pending = new PendingSockets(track);
  const http = createHttp(pending);
  const upgrade = createUpgrade();
  http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const origin = originOf(request);
    if (origin !== undefined && !options.origins?.includes(origin)) {
      pending.leave(socket, foreign(origin));
      return forbid(socket);
    }
    if (options.transparent && isUpgrade(request)) {
      const handshake = pending.leave(socket, 'connection');
      const complete: CompleteUpgrade = (protocol, all, whole) =>
        upgrade(request, socket, all, whole, protocol);
      return accept(new PendingWsConnection(request, socket, head, complete), handshake);
    }
    const connection = upgrade(request, socket, head, false);
    if (connection === null) return;
    accept(connection, pending.leave(socket, 'connection'));
  });
  return {
    address: await bind(http, address, options),
    stopListening: () => stopListening(http),
    close: async () => {
      http.close();
      // Those that never became a WebSocket; the others are no longer this server's.
      http.closeAllConnections();
    },
  };
}

/** Browsers name the page that opens a WebSocket, and let any page open one to any address (RFC 6455, 10.2). */
function originOf({ headers }: IncomingMessage): string | undefined {
  const { origin, 'sec-websocket-origin': old } = headers;
  return origin ?? (old === undefined ? undefined : String(old));
}

/** @param origin as the peer wrote it */
function foreign(origin: string): HandshakeFailure {
  const shown = JSON.stringify(origin.slice(0, MAX_ORIGIN));
  return { late: false, why: `a web page of the origin ${shown}, which is not among the port's origins` };
}

function forbid(socket: Socket): void {
  socket.on('error', () => {});
  socket.once('finish', () => socket.destroy());
  socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
}

/** Whether `ws` will take it for a request of a WebSocket client; if not, it says so to the client. */
function isUpgrade({ method, url, headers }: IncomingMessage): boolean {
  const isWebSocket =
    headers.upgrade?.toLowerCase() === 'websocket' && headers['sec-websocket-version'] === '13';
  return method === 'GET' && url?.startsWith('/') === true && isWebSocket;
}

/** What `ws` makes of a client whose frames it does not read: nothing. */
class Upgraded extends WebSocket {
  setSocket(): void {}
}

/** Answers a request. Returns null if it could not be one, which its peer was told. */
function createUpgrade() {
  const chosen = new WeakMap<IncomingMessage, string>();
  const options: ServerOptions = {
    ...WS_OPTIONS,
    noServer: true,
    clientTracking: false,
    handleProtocols: (offered, request) => chosen.get(request) ?? [...offered][0] ?? false,
  };
  const wholeMessages = new WebSocketServer(options);
  const streams = new WebSocketServer({ ...options, WebSocket: Upgraded });
  return (
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    whole: boolean,
    protocol?: string,
  ): Connection | null => {
    if (protocol !== undefined) chosen.set(request, protocol);
    let connection: Connection | null = null;
    const sockets = whole ? wholeMessages : streams;
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const peer = peerOf(socket);
      if (whole) keepAlive(socket);
      connection = whole ? new WsConnection(webSocket, socket, peer, true) : new WsStream(socket, peer, head);
    });
    return connection;
  };
}

function createHttp(pending: PendingSockets): Server {
  const http = createServer(HTTP_LIMITS, (request, response) => {
    sayWhatThisIs(response);
    pending.leave(request.socket, 'probe');
  });
  http.on('connection', (socket) => pending.enter(socket));
  http.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    pending.leave(socket as Socket, late ? LATE : GARBAGE);
    if (socket.writable && !late) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    else socket.destroy();
  });
  return http;
}

function sayWhatThisIs(response: ServerResponse): void {
  response.writeHead(426, {
    'content-type': 'text/plain',
    upgrade: 'websocket',
    connection: 'upgrade, close',
  });
  response.end('This port speaks skewgate over WebSocket: connect with skewgate+ws://\n');
}
