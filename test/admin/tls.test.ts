/** The admin side inside TLS: whom it lets in, what it tells browsers, and certificates that change while it runs. */
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type tls from 'node:tls';
import { expect, test } from 'vitest';
import { readTlsFiles } from '../../src/admin/tls.ts';
import { makeAuthority, makeCertificate } from '../support/certificate.ts';
import { tempFolder } from '../support/folder.ts';
import { type AdministeredGate, startWithRoles, TOKENS } from './support.ts';

function authorities() {
  const folder = tempFolder();
  const ca = makeAuthority(folder);
  return {
    folder,
    ca,
    gate: makeCertificate(folder, 'gate', ca),
    client: makeCertificate(folder, 'client', ca),
  };
}

async function ask(gate: AdministeredGate, route: string, options: https.RequestOptions) {
  const headers = { authorization: `Bearer ${TOKENS.viewer}` };
  const request = https.get(`${gate.admin.address}${route}`, { headers, agent: false, ...options });
  const [answer] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  const { subject } = (answer.socket as tls.TLSSocket).getPeerCertificate();
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer), subject };
}

test('it is asked inside TLS 1.2 or above, browsers are told to stay there, and plain HTTP gets nothing', async () => {
  const { folder, ca } = authorities();
  await using gate = await startWithRoles({ folder, admin: { tls: { cert: 'gate.pem', key: 'gate.key' } } });
  expect(gate.admin.address).toMatch(/^https:/);
  const { status, headers } = await ask(gate, '/v1/cluster', { ca: readFileSync(ca.cert) });
  expect([status, headers['strict-transport-security']]).toEqual([200, 'max-age=31536000']);
  await expect(ask(gate, '/live', {})).rejects.toThrow(/certificate/);
  const old = {
    ca: readFileSync(ca.cert),
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    ciphers: 'ALL:@SECLEVEL=0',
  };
  await expect(ask(gate, '/live', old as https.RequestOptions)).rejects.toThrow();
  const { hostname, port } = new URL(gate.admin.address);
  const plain = net.connect({ host: hostname, port: Number(port) });
  plain.on('error', () => {});
  plain.write('GET /v1/cluster HTTP/1.1\r\nhost: localhost\r\n\r\n');
  expect(await text(plain).catch(() => '')).not.toContain('HTTP/1.1 200');
});

test('with clientCa nobody without a certificate of it gets as far as a token', async () => {
  const { folder, ca, client } = authorities();
  const stated = { cert: 'gate.pem', key: 'gate.key', clientCa: 'ca.pem' };
  await using gate = await startWithRoles({ folder, admin: { tls: stated } });
  const trusted = { ca: readFileSync(ca.cert) };
  await expect(ask(gate, '/live', trusted)).rejects.toThrow();
  const other = tempFolder();
  const stranger = makeCertificate(other, 'stranger', makeAuthority(other, 'other'));
  const shown = { cert: readFileSync(stranger.cert), key: readFileSync(stranger.key) };
  await expect(ask(gate, '/live', { ...trusted, ...shown })).rejects.toThrow();
  const own = { cert: readFileSync(client.cert), key: readFileSync(client.key) };
  expect((await ask(gate, '/v1/cluster', { ...trusted, ...own })).status).toBe(200);
});

test('a reload takes another certificate in, and a pair that does not fit changes nothing', async () => {
  const { folder, ca, gate: files } = authorities();
  const trusted = { ca: readFileSync(ca.cert) };
  await using gate = await startWithRoles({ folder, admin: { tls: { cert: 'gate.pem', key: 'gate.key' } } });
  const config = gate.fleet.built.config.admin as NonNullable<typeof gate.fleet.built.config.admin>;
  expect(gate.admin.prepare(config).changes).toEqual([]);
  const next = makeCertificate(folder, 'next', ca);
  copyFileSync(next.cert, files.cert);
  expect(() => gate.admin.prepare(config)).toThrow(/^admin\.tls: /);
  expect((await ask(gate, '/live', trusted)).subject.CN).toBe('gate');
  copyFileSync(next.key, files.key);
  const prepared = gate.admin.prepare(config);
  expect(prepared.changes).toEqual([{ key: 'admin.tls', sentence: 'admin.tls: another certificate' }]);
  prepared.commit();
  expect((await ask(gate, '/live', trusted)).subject.CN).toBe('next');
});

test('a file that is not there, or is no key, keeps it from starting and is named', () => {
  const { folder } = authorities();
  expect(() => readTlsFiles({ cert: 'no.pem', key: 'gate.key' }, folder)).toThrow(/admin\.tls: .*no\.pem/);
  expect(() => readTlsFiles({ cert: 'gate.pem', key: 'ca.key' }, folder)).toThrow(/admin\.tls: /);
  expect(path.isAbsolute(folder)).toBe(true);
});
