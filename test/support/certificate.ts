/** Certificates of a test's own, made by openssl: an authority, and what it signs. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}

const NEW = [
  'req',
  '-x509',
  '-newkey',
  'ec',
  '-pkeyopt',
  'ec_paramgen_curve:prime256v1',
  '-nodes',
  '-days',
  '2',
];

/** An authority that nobody else knows. */
export function makeAuthority(folder: string, name = 'ca'): Certificate {
  const files = { cert: path.join(folder, `${name}.pem`), key: path.join(folder, `${name}.key`) };
  openssl(...NEW, '-keyout', files.key, '-out', files.cert, '-subj', `/CN=${name}`);
  return files;
}

/** A certificate for 127.0.0.1 and localhost, of servers and clients alike. */
export function makeCertificate(folder: string, name: string, ca: Certificate): Certificate {
  const files = { cert: path.join(folder, `${name}.pem`), key: path.join(folder, `${name}.key`) };
  const extensions = path.join(folder, `${name}.ext`);
  writeFileSync(
    extensions,
    [
      'subjectAltName=IP:127.0.0.1,DNS:localhost',
      'basicConstraints=critical,CA:FALSE',
      'extendedKeyUsage=serverAuth,clientAuth',
    ].join('\n'),
  );
  const [, , ...fresh] = NEW;
  const request = path.join(folder, `${name}.csr`);
  openssl('req', ...fresh.slice(0, -2), '-keyout', files.key, '-out', request, '-subj', `/CN=${name}`);
  const signer = ['-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial', '-days', '2', '-extfile', extensions];
  openssl('x509', '-req', '-in', request, '-out', files.cert, ...signer);
  return files;
}
