import { Problem } from "./api";
import { NoSession } from "./session";
import type { Say } from "./words";

/** What went wrong: a sentence for whoever reads it, and the facts for whoever is asked for help. */
export interface Failure {
  sentence: string;
  support: string;
  status: number;
  type: string;
}

export function failureOf(error: unknown, say: Say, version: string): Failure {
  const problem = error instanceof Problem ? error : null;
  return {
    sentence: sentenceOf(error, problem, say),
    support: supportOf(error, problem, version),
    status: problem?.status ?? 0,
    type: problem?.name ?? (error instanceof NoSession ? "NoSession" : ""),
  };
}

function sentenceOf(error: unknown, problem: Problem | null, say: Say): string {
  if (error instanceof NoSession || problem?.status === 401) return say("noSession");
  if (problem === null) return say("broken");
  if (problem.status === 0) return say("offline");
  if (problem.status === 403) return say("forbidden");
  if (problem.status === 429) return say("tooMany", { seconds: problem.retryAfter ?? "60" });
  if (problem.name === "InvoiceSentRecently") return say("recently");
  if (problem.status === 500 || !problem.body.detail) return say("broken");
  return say("refused", { detail: problem.body.stripe?.message ?? problem.body.detail });
}

function supportOf(error: unknown, problem: Problem | null, version: string): string {
  const stripe = problem?.body.stripe;
  const facts: [string, string | number | null | undefined][] = [
    ["Time", new Date().toISOString()],
    ["Operation", problem?.operation],
    ["Status", problem?.status],
    ["Problem", problem?.body.type],
    ["Detail", problem?.body.detail ?? (error instanceof Error ? error.message : "")],
    ["Request id", problem?.body.request_id],
    ["Stripe code", stripe?.code],
    ["Stripe request id", stripe?.request_id],
    ["Stripe log", stripe?.request_log_url],
    ["Stripe Bridge version", version],
  ];
  return facts
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}
