import type { Session } from "./session";
import type { Panel } from "./types";

interface ProblemBody {
  type?: string;
  detail?: string;
  request_id?: string | null;
  stripe?: { message?: string; code?: string; request_id?: string; request_log_url?: string };
}

/** The service said no, or did not answer (`status` 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly operation: string,
    readonly body: ProblemBody = {},
    readonly retryAfter: string | null = null,
  ) {
    super(body.detail ?? "");
  }

  /** The last part of the type: `InvoiceSentRecently`. */
  get name(): string {
    return this.body.type?.split(":").pop() ?? "";
  }
}

interface Call {
  method?: "GET" | "POST";
  body?: unknown;
  key?: string;
  signal?: AbortSignal;
}

export class Api {
  constructor(
    private readonly base: string,
    private readonly session: Session,
    private readonly onExpired: () => void,
  ) {}

  async panel(query: string, signal?: AbortSignal): Promise<{ panel: Panel; retryAfter: number }> {
    const answer = await this.call(`panel${query}`, signal ? { signal } : {});
    const { data } = (await answer.json()) as { data: Panel };
    return { panel: data, retryAfter: Number(answer.headers.get("Retry-After") ?? 0) };
  }

  async act(path: string, body: unknown, key: string): Promise<unknown> {
    const answer = await this.call(`panel/invoices${path}`, { method: "POST", body, key });
    return ((await answer.json()) as { data: unknown }).data;
  }

  /** With a session that was renewed the request is the same one: its key makes sure that it is not run twice. */
  private async call(path: string, call: Call): Promise<Response> {
    const operation = `${call.method ?? "GET"} /api/${path.split("?")[0]}`;
    for (let isRepeated = false; ; isRepeated = true) {
      const token = await this.session.get();
      const answer = await this.send(path, call, token, operation);
      if (answer.ok) return answer;
      if (answer.status === 401) {
        this.session.drop(token);
        if (!isRepeated) {
          this.onExpired();
          continue;
        }
      }
      throw new Problem(answer.status, operation, await bodyOf(answer), answer.headers.get("Retry-After"));
    }
  }

  private async send(path: string, call: Call, token: string, operation: string): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
    if (call.body !== undefined) headers["Content-Type"] = "application/json";
    if (call.key) headers["Idempotency-Key"] = call.key;
    try {
      return await fetch(this.base + path, {
        method: call.method ?? "GET",
        headers,
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        ...(call.signal ? { signal: call.signal } : {}),
      });
    } catch (error) {
      if (call.signal?.aborted) throw error;
      throw new Problem(0, operation);
    }
  }
}

async function bodyOf(answer: Response): Promise<ProblemBody> {
  try {
    return (await answer.json()) as ProblemBody;
  } catch {
    return { request_id: answer.headers.get("X-Request-Id") };
  }
}
