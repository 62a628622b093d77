/** Who one client is, on its way in: what it presented, judged by the settings of the moment. */
import type { CertificateNames } from '../config/certificate-pattern.ts';
import type { Credential } from '../events/events.ts';
import type { Decision } from '../policy/types.ts';
import type { Applicant } from './applicant.ts';
import { type Authentication, digestOf, type Finding, type Presented } from './authentication.ts';
import type { Settings } from './settings.ts';

/** Asked as often as its answer may have changed, that is, after each reload. */
export class Who {
  readonly #settings: Settings;
  readonly #presented: Presented;
  #judgedBy: Authentication | null = null;
  #finding: Finding | null = null;

  /**
   * @param connection that it came on, inside TLS where there is TLS
   * @param token as it was sent, of which no more than a hash is kept; null: none was; undefined: its protocol has none
   */
  constructor(settings: Settings, connection: object, token: string | null | undefined) {
    this.#settings = settings;
    const certificate =
      (connection as { tls?: { certificate: CertificateNames | null } }).tls?.certificate ?? null;
    this.#presented = { certificate, token: token == null ? token : digestOf(token) };
  }

  /** Why it is not let in; null: it is, as far as it goes by who it is. */
  refusalOf({ facts: { version } }: Applicant): Decision | null {
    const { authentication } = this.#settings;
    if (this.#finding === null || authentication !== this.#judgedBy) {
      this.#judgedBy = authentication;
      this.#finding = authentication.judge(this.#presented, version);
    }
    return this.#finding.refusal;
  }

  /** What the config calls it; null: it is not known. */
  get identity(): string | null {
    return this.#finding?.identity ?? null;
  }

  /** What it presented; null: nothing, or nobody asked. */
  get credential(): Credential | null {
    return this.#finding?.credential ?? null;
  }
}
