import type { Format } from "./format";
import type { Invoice, Panel } from "./types";
import type { Say, Word } from "./words";

export type ActName = "send" | "again" | "void" | "refund";

/** What a dialog asks for. Its key stays the same until what is asked for changes: a repeated click is one request. */
export interface Act {
  name: ActName;
  invoice: Invoice | null;
  currency: string;
  customer: string;
  /** The most that can be asked for, in minor units. */
  max: number;
  amount: string;
  email: string;
  integration: number;
  reason: string;
  key: string;
}

export interface Request {
  path: string;
  body: Record<string, unknown>;
  event: string;
}

const REASONS: [string, Word][] = [
  ["", "reasonNone"],
  ["requested_by_customer", "reasonRequested"],
  ["duplicate", "reasonDuplicate"],
  ["fraudulent", "reasonFraudulent"],
];
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

export { REASONS };

export function begin(name: ActName, invoice: Invoice | null, panel: Panel, format: Format): Act {
  const order = panel.order;
  const currency = invoice?.currency ?? order?.currency ?? "USD";
  const max = invoice === null ? (order?.outstanding_in_cents ?? 0) : maxOf(name, invoice);
  return {
    name,
    invoice,
    currency,
    customer: order?.customer.name ?? invoice?.customer_email ?? "",
    max,
    amount: format.plain(max, currency),
    email: invoice?.customer_email ?? order?.customer.email ?? "",
    integration: panel.integrations[0]?.id ?? 0,
    reason: "",
    key: crypto.randomUUID(),
  };
}

function maxOf(name: ActName, invoice: Invoice): number {
  if (name === "refund") return invoice.refundable_in_cents;
  return name === "again" ? invoice.amount_remaining : invoice.amount;
}

/** In minor units; null while what is typed is no amount that can be asked for. */
export function amountOf(act: Act, format: Format): number | null {
  if (act.name === "void" || act.name === "again") return act.max;
  const amount = format.parse(act.amount, act.currency);
  return amount !== null && amount <= act.max ? amount : null;
}

export function hasEmail(act: Act): boolean {
  return act.name !== "send" || EMAIL.test(act.email.trim());
}

export function requestOf(act: Act, amount: number): Request {
  const id = act.invoice?.id;
  switch (act.name) {
    case "send":
      return {
        path: "",
        body: {
          integration_instance_id: act.integration,
          amount_in_cents: amount,
          customer_email: act.email.trim(),
        },
        event: "sb-invoice-sent",
      };
    case "again":
      return { path: `/${id}/send-again`, body: {}, event: "sb-invoice-sent" };
    case "void":
      return { path: `/${id}/void`, body: {}, event: "sb-invoice-voided" };
    case "refund": {
      const reason = act.reason ? { reason: act.reason } : {};
      return { path: `/${id}/refunds`, body: { amount_in_cents: amount, ...reason }, event: "sb-invoice-refunded" };
    }
  }
}

/** The dialog's title and what it says will happen, with amount and customer. */
export function wordsOf(act: Act, amount: number | null, say: Say, format: Format): { title: string; what: string } {
  const values = {
    amount: format.money(amount ?? act.max, act.currency),
    max: format.money(act.max, act.currency),
    customer: act.customer,
    email: act.email.trim(),
    number: act.invoice?.number ?? "",
  };
  return { title: say(`${act.name}Title`, values), what: say(`${act.name}What`, values) };
}

export function doneWords(act: Act, amount: number, say: Say, format: Format): string {
  const values = {
    amount: format.money(amount, act.currency),
    email: act.email.trim(),
    number: act.invoice?.number ?? "",
  };
  if (act.name === "void") return say("doneVoid", values);
  return say(act.name === "refund" ? "doneRefund" : "doneSend", values);
}
