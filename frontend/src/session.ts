export type FetchSession = () => Promise<string | { token: string }> | string | { token: string };

/** There is no session to be had: the ERP gives none, or nobody has said how to ask for one. */
export class NoSession extends Error {}

// A session lasts ten minutes. Counted from when it came, so that a clock that is wrong does no harm.
const RENEW_AFTER = 9 * 60_000;

/** The session's token, only in memory. It is asked for once at a time, however many calls need it. */
export class Session {
  private token: string | null = null;
  private cameAt = 0;
  private asking: Promise<string> | null = null;

  constructor(private readonly fetchSession: () => FetchSession | undefined) {}

  async get(): Promise<string> {
    const isFresh = this.token !== null && performance.now() - this.cameAt < RENEW_AFTER;
    return isFresh ? this.token! : this.renew();
  }

  /** Forget a token that was refused, unless another has come meanwhile. */
  drop(refused: string): void {
    if (this.token === refused) this.token = null;
  }

  private renew(): Promise<string> {
    this.asking ??= this.ask().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  private async ask(): Promise<string> {
    const fetchSession = this.fetchSession();
    if (!fetchSession) throw new NoSession("fetchSession is not set");
    let given: string | { token: string };
    try {
      given = await fetchSession();
    } catch (error) {
      throw new NoSession(error instanceof Error ? error.message : String(error));
    }
    const token = (typeof given === "string" ? given : (given?.token ?? "")).trim();
    if (!token.startsWith("sbp_")) throw new NoSession("fetchSession gave no session token");
    this.token = token;
    this.cameAt = performance.now();
    return token;
  }
}
