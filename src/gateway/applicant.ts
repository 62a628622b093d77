/** The client in question, as policy and as the migration gate know it: made of its hello. */
import type { Hello } from '../frontend/pending-client.ts';
import type { UpgradeInitiator } from '../migration/migration.ts';
import type { ClientFacts } from '../policy/types.ts';
import { parseVersion, type Version } from '../version/version.ts';

export interface Applicant {
  readonly facts: ClientFacts;
  readonly initiator: UpgradeInitiator;
}

/** Clients that say the same share a hello. */
const versions = new WeakMap<Hello, Version>();

/**
 * What a hello says, checked.
 * @param connection id of the connection that it came on
 * @param peer the address that it came from; without a property `name`, its host is what makes a client distinct
 * @throws {VersionError} if what it calls its version is none
 */
export function applicantOf(hello: Hello, connection: string, peer: string): Applicant {
  const { driver, properties, upgrade, protocol } = hello;
  const version = versions.get(hello) ?? parseVersion(hello.version);
  versions.set(hello, version);
  const name = properties.name ?? null;
  const identity = name ?? peer.replace(/:\d+$/, '');
  return {
    facts: { version, upgrade, ...(protocol && { protocol }) },
    initiator: { connection, version, driver, name, identity },
  };
}
