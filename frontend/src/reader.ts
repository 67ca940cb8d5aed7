import type { Api } from "./api";
import type { Panel } from "./types";

const WAIT = 25;
// HTTP/1.1 allows six connections to a host. So many of them wait at most, over all tabs of this browser.
const SLOTS = 2;
const PAUSE_AFTER_FAILURE = 5_000;

interface News {
  sender: string;
  panel: Panel;
}

/**
 * Follows an order while its tab can be seen. Tabs take turns to wait, and tell those that show the same order what came.
 */
export class Reader {
  private readonly channel: BroadcastChannel | null;
  private readonly id = crypto.randomUUID();
  private readonly slot: string;
  private stopped = new AbortController();
  private latest = 0;

  constructor(
    private readonly api: Api,
    base: string,
    orderId: string,
    private readonly onNews: (panel: Panel, isOwn: boolean) => void,
    private readonly onFailure: (error: unknown) => void,
  ) {
    this.slot = `stripe-invoices ${base} ${Number(BigInt(orderId) % BigInt(SLOTS))}`;
    this.channel = "BroadcastChannel" in window ? new BroadcastChannel(`stripe-invoices ${base} ${orderId}`) : null;
    this.channel?.addEventListener("message", this.hear);
    document.addEventListener("visibilitychange", this.turn);
    window.addEventListener("online", this.turn);
    // A request that waits may hang on for long before it fails.
    window.addEventListener("offline", this.turn);
    this.turn();
  }

  close(): void {
    this.stopped.abort();
    document.removeEventListener("visibilitychange", this.turn);
    window.removeEventListener("online", this.turn);
    window.removeEventListener("offline", this.turn);
    this.channel?.close();
  }

  /** Read at once, whoever else is waiting. */
  async refresh(): Promise<void> {
    const { panel } = await this.api.panel("", this.stopped.signal);
    this.tell(panel);
  }

  private tell(panel: Panel): void {
    this.latest = panel.latest;
    this.onNews(panel, true);
    this.channel?.postMessage({ sender: this.id, panel } satisfies News);
  }

  private readonly hear = ({ data }: MessageEvent<News>): void => {
    if (data.sender === this.id || data.panel.latest < this.latest) return;
    this.latest = data.panel.latest;
    this.onNews(data.panel, false);
  };

  private readonly turn = (): void => {
    this.stopped.abort();
    if (document.visibilityState !== "visible") return;
    this.stopped = new AbortController();
    void this.follow(this.stopped.signal);
  };

  private async follow(signal: AbortSignal): Promise<void> {
    let isFirst = true;
    while (!signal.aborted) {
      try {
        if (isFirst) await this.refresh();
        else await pause(await this.takeTurn(signal), signal);
        isFirst = false;
      } catch (error) {
        if (signal.aborted) return;
        this.onFailure(error);
        // What is on the screen may be old by the time that it works again.
        isFirst = true;
        // Without a session only a person can go on: *try again*.
        if (!isTemporary(error)) return;
        await pause(PAUSE_AFTER_FAILURE, signal);
      }
    }
  }

  /** Wait for news once. Returns for how many milliseconds to pause. */
  private async takeTurn(signal: AbortSignal): Promise<number> {
    if (!navigator.locks) return this.read(signal);
    return navigator.locks.request(this.slot, { signal }, () => this.read(signal));
  }

  private async read(signal: AbortSignal): Promise<number> {
    const after = this.latest;
    const { panel, retryAfter } = await this.api.panel(`?after=${after}&wait=${WAIT}`, signal);
    // Another tab may have told more meanwhile. What ends before what was asked for is a log of its own.
    if (panel.latest >= this.latest || panel.latest < after) this.tell(panel);
    return retryAfter * 1000;
  }
}

function isTemporary(error: unknown): boolean {
  const status = (error as { status?: number }).status;
  return status !== undefined && status !== 401 && status !== 403;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
