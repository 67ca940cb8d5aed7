import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { ActName } from "./acts";
import type { Format } from "./format";
import type { Dispute, Invoice, Payment, Refund, TimelineEntry } from "./types";
import { isWord, type Say, type Word } from "./words";

/** What drawing a part needs of the element. */
export interface Drawing {
  say: Say;
  format: Format;
  can: string[];
  copied: string;
  open: (name: ActName, invoice: Invoice | null, event: Event) => void;
  copy: (text: string, what: string) => void;
}

type State = "draft" | "open" | "overdue" | "pending" | "paid" | "refunded" | "partlyRefunded" | "void" | "uncollectible";

function stateOf(invoice: Invoice): State {
  if (invoice.status === "paid") {
    const back = invoice.refunds.filter((each) => each.status === "succeeded").reduce((sum, each) => sum + each.amount, 0);
    if (back > 0) return back >= invoice.amount_paid ? "refunded" : "partlyRefunded";
  }
  if (invoice.status !== "open") return invoice.status;
  if (invoice.payment_status === "pending") return "pending";
  return isLate(invoice) ? "overdue" : "open";
}

function isLate(invoice: Invoice): boolean {
  return invoice.status === "open" && invoice.due_date !== null && Date.parse(invoice.due_date) < Date.now();
}

export function drawInvoice(invoice: Invoice, drawing: Drawing): TemplateResult {
  const { say, format } = drawing;
  const state = stateOf(invoice);
  return html`
    <article class="invoice" part="invoice" data-state=${state}>
      <div class="line">
        <h3>${invoice.number ? say("invoice", { number: invoice.number }) : say("noNumber")}</h3>
        <span class="badge ${state}" part="status">${say(state)}</span>
        <span class="amount" part="amount">${format.money(invoice.amount, invoice.currency)}</span>
      </div>
      ${drawMeta(invoice, drawing)} ${drawMoves(invoice, drawing)} ${drawActions(invoice, drawing)}
    </article>
  `;
}

function drawMeta(invoice: Invoice, { say, format }: Drawing): TemplateResult {
  const isOpen = invoice.status === "open";
  return html`
    <div class="meta">
      ${isOpen && invoice.due_date
        ? html`<span class=${isLate(invoice) ? "late" : ""}>${say("due", { date: format.date(invoice.due_date) })}</span>`
        : nothing}
      ${isOpen && invoice.amount_paid > 0
        ? html`<span>${say("remaining", { amount: format.money(invoice.amount_remaining, invoice.currency) })}</span>`
        : nothing}
      ${invoice.sent_at
        ? html`<span title=${format.time(invoice.sent_at)}>
            ${say("emailed", { ago: format.ago(invoice.sent_at), email: invoice.customer_email })}
          </span>`
        : nothing}
    </div>
  `;
}

function drawMoves(invoice: Invoice, drawing: Drawing): TemplateResult | typeof nothing {
  const { payments, refunds, disputes } = invoice;
  if (payments.length + refunds.length + disputes.length === 0) return nothing;
  return html`
    <ul class="moves" part="payments">
      ${payments.map((each) => drawMove(paymentWord(each), each.amount, each.paid_at, invoice, drawing, each.method))}
      ${refunds.map((each) => drawMove(refundWord(each), -each.amount, each.created_at, invoice, drawing))}
      ${disputes.map((each) => drawMove(disputeWord(each), -each.amount, each.opened_at, invoice, drawing))}
    </ul>
  `;
}

function drawMove(
  word: Word,
  amount: number | null,
  at: string | null,
  invoice: Invoice,
  { say, format }: Drawing,
  detail: string | null = null,
): TemplateResult {
  return html`
    <li>
      <span>${say(word)}${detail ? ` (${detail.replaceAll("_", " ")})` : ""}</span>
      ${at ? html`<time datetime=${at} title=${format.time(at)}>${format.ago(at)}</time>` : nothing}
      <span class="amount">${amount === null ? "" : format.money(amount, invoice.currency)}</span>
    </li>
  `;
}

function paymentWord({ status }: Payment): Word {
  return status === "paid" ? "payment" : status === "pending" ? "paymentPending" : "paymentFailed";
}

function refundWord({ status }: Refund): Word {
  if (status === "succeeded") return "refund";
  return status === "failed" || status === "canceled" ? "refundFailed" : "refundPending";
}

function disputeWord({ status }: Dispute): Word {
  return status === "won" ? "disputeWon" : status === "lost" ? "disputeLost" : "dispute";
}

function drawActions(invoice: Invoice, drawing: Drawing): TemplateResult | typeof nothing {
  const { say, can, copied } = drawing;
  const isOpen = invoice.status === "open";
  const canVoid = can.includes("void") && (isOpen || invoice.status === "draft") && invoice.amount_paid === 0;
  const canRefund = can.includes("refund") && invoice.refundable_in_cents > 0;
  const name = invoice.number ?? "";
  const link = invoice.hosted_invoice_url;
  const button = (act: ActName, word: Word) => html`
    <button part="button ${act}" aria-label="${say(word)} ${name}" @click=${(event: Event) => drawing.open(act, invoice, event)}>
      ${say(word)}
    </button>
  `;
  if (!(isOpen && link) && !invoice.invoice_pdf && !canVoid && !canRefund) return nothing;
  return html`
    <div class="actions">
      ${isOpen && link
        ? html`<button part="button copy" aria-label="${say("copyLink")} ${name}" @click=${() => drawing.copy(link, `link ${invoice.id}`)}>
            ${copied === `link ${invoice.id}` ? say("copied") : say("copyLink")}
          </button>`
        : nothing}
      ${isOpen && can.includes("send") ? button("again", "sendAgain") : nothing}
      ${canRefund ? button("refund", "refundIt") : nothing} ${canVoid ? button("void", "voidIt") : nothing}
      ${isWebAddress(invoice.invoice_pdf)
        ? html`<a class="button" part="button pdf" href=${invoice.invoice_pdf} target="_blank" rel="noopener noreferrer" aria-label="${say("pdf")} ${name}">${say("pdf")}</a>`
        : nothing}
    </div>
  `;
}

function isWebAddress(text: string | null): text is string {
  return text !== null && /^https?:\/\//.test(text);
}

export function drawTimeline(timeline: TimelineEntry[], { say, format }: Drawing): TemplateResult {
  return html`
    <details part="timeline">
      <summary>${say("timeline")}</summary>
      <ol class="timeline" tabindex="0" aria-label=${say("timeline")}>
        ${repeat(
          timeline.filter((entry) => !entry.type.endsWith(".updated")),
          (entry) => entry.sequence,
          (entry) => html`
            <li>
              <span>${isWord(entry.type) ? say(entry.type) : entry.type}</span>
              <span class="who">${actorOf(entry, say)}</span>
              <time datetime=${entry.occurred_at} title=${format.time(entry.occurred_at)}>${format.ago(entry.occurred_at)}</time>
            </li>
          `,
        )}
      </ol>
    </details>
  `;
}

function actorOf(entry: TimelineEntry, say: Say): string {
  if (entry.user_id !== null) return say("byUser", { id: String(entry.user_id) });
  const words: Record<string, Word> = { stripe: "byStripe", service: "byService", operator: "byOperator" };
  return say(words[entry.actor_type] ?? "byErp");
}
