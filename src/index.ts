/** skewgate's public interface: the driver, and policy as a library. */
import { type ConnectOptions, connectTo } from './client/connect.ts';
import type { Session } from './client/session.ts';
import { tokenOf } from './client/token.ts';
import { parseUrl } from './client/url.ts';
import { realRuntime } from './runtime/real.ts';

export { ConnectError, type ConnectOptions } from './client/connect.ts';
export { RefusedError, type Session, type WaitNotice } from './client/session.ts';
export { UrlError } from './client/url.ts';
export { CODES, type Code, type OpenCode, type Retry } from './policy/codes.ts';
export { decide } from './policy/decide.ts';
export { PRESETS, type PresetName } from './policy/presets.ts';
export { freezeServers } from './policy/roster.ts';
export type {
  ClientFacts,
  ClusterFacts,
  Decision,
  MissingForUpgrade,
  Move,
  Note,
  OpenRule,
  Policy,
  ProtocolRange,
  RangesPolicy,
  ReceivedDecision,
  ReceivedTraceStep,
  Rule,
  Scope,
  ServerFacts,
  SkewPolicy,
  TraceStep,
  UpgradeState,
  Verdict,
} from './policy/types.ts';
export {
  type Catalogue,
  createCatalogue,
  type Era,
  extendCatalogue,
  type Release,
} from './version/catalogue.ts';
export {
  compareVersions,
  type Minor,
  parseMinor,
  parseVersion,
  printVersion,
  type Version,
  VersionError,
} from './version/version.ts';
export { WireFault } from './wire/fault.ts';

/**
 * Connects through a gate: `skewgate://host:port/?version=4.14.2&user=x`, also `skewgate+ws://` and
 * `jdbc:skewgate://`. Resolves to a Duplex with the session's facts once admitted. Who the client is, where the gate
 * asks for that, is a token: `options.token`, `token=` or `tokenFile=` in the URL, or `SKEWGATE_CLIENT_TOKEN` in the
 * environment, the first that there is.
 *
 * @throws {UrlError} for a URL that can't be meant, and a token that can't be one
 * @throws {RefusedError} with the decision's fields, if the gate refuses
 * @throws {ConnectError} if the gate can't be reached, breaks off or says nothing for `timeout` ms (30,000)
 * @throws {WireFault} if the peer is no gate
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Session> {
  const target = parseUrl(url);
  const token = tokenOf(target, options.token, process.env);
  return connectTo(target, realRuntime, { ...options, ...(token !== undefined && { token }) });
}
