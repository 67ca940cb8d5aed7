import { LitElement, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { live } from "lit/directives/live.js";
import { REASONS, amountOf, begin, doneWords, hasEmail, requestOf, wordsOf, type Act, type ActName } from "./acts";
import { Api } from "./api";
import { failureOf, type Failure } from "./failure";
import { Format } from "./format";
import { drawInvoice, drawTimeline, type Drawing } from "./drawing";
import { Reader } from "./reader";
import { NoSession, Session, type FetchSession } from "./session";
import { styles } from "./styles";
import type { Invoice, Panel } from "./types";
import { languageOf, speak, type Say } from "./words";

// Beside this file are the others, two folders up is the service.
const HERE: string = import.meta.url;
// For so long the page may still be about to set `fetchSession`.
const PATIENCE = 1_000;

export class StripeInvoices extends LitElement {
  static override styles = styles;
  static override properties = {
    salesOrderId: { attribute: "sales-order-id" },
    lang: {},
    fetchSession: { attribute: false },
    panel: { state: true },
    failure: { state: true },
    act: { state: true },
    actFailure: { state: true },
    isBusy: { state: true },
    isTouched: { state: true },
    said: { state: true },
    copied: { state: true },
  };

  declare salesOrderId: string | null;
  declare fetchSession: FetchSession | undefined;
  /** Only for the frame: the one page that its session may name. */
  declare expectedOrigin: string | undefined;

  declare private panel: Panel | null;
  declare private failure: Failure | null;
  declare private act: Act | null;
  declare private actFailure: Failure | null;
  declare private isBusy: boolean;
  declare private isTouched: boolean;
  declare private said: string;
  declare private copied: string;

  private reader: Reader | null = null;
  private api: Api | null = null;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private opener: HTMLElement | null = null;

  constructor() {
    super();
    this.salesOrderId = this.panel = this.failure = this.act = this.actFailure = null;
    this.isBusy = this.isTouched = false;
    this.said = this.copied = "";
    // Whoever set it before the element was known, set a property of the plain element.
    if (Object.hasOwn(this, "fetchSession")) {
      const given = this.fetchSession;
      delete (this as Partial<this>).fetchSession;
      this.fetchSession = given;
    }
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stop();
  }

  override willUpdate(changed: PropertyValues): void {
    if (!this.hasUpdated || changed.has("salesOrderId") || changed.has("fetchSession")) this.start();
  }

  override updated(changed: PropertyValues): void {
    const dialog = this.renderRoot.querySelector("dialog");
    if (changed.has("act") && dialog && this.act && !dialog.open) dialog.showModal();
  }

  private get language(): string {
    const wanted = this.lang || this.closest("[lang]")?.getAttribute("lang") || document.documentElement.lang;
    return languageOf(wanted || navigator.language);
  }

  private get format(): Format {
    const wanted = this.lang || document.documentElement.lang || navigator.language;
    const language = languageOf(wanted) === this.language && wanted ? wanted : this.language;
    return new Format(language, this.panel?.decimals ?? {});
  }

  private start(): void {
    this.stop();
    this.panel = this.failure = null;
    if (!this.isConnected || !this.salesOrderId || !/^\d{1,19}$/.test(this.salesOrderId)) return;
    if (!this.fetchSession) {
      this.patience = setTimeout(() => this.fail(new NoSession("fetchSession is not set.")), PATIENCE);
      return;
    }
    const base = HERE.replace(/embed\/v1\/[^/]*$/, "api/");
    const session = new Session(() => this.fetchSession);
    this.api = new Api(base, session, () => this.tell("sb-session-expired", {}));
    this.reader = new Reader(
      this.api,
      base,
      this.salesOrderId,
      (panel, isOwn) => this.take(panel, isOwn),
      (error) => this.fail(error),
    );
  }

  private stop(): void {
    clearTimeout(this.patience);
    this.reader?.close();
    this.reader = this.api = null;
  }

  private take(panel: Panel, isOwn: boolean): void {
    if (this.expectedOrigin && panel.session.origin !== this.expectedOrigin) {
      this.stop();
      this.fail(new NoSession("The session is for another page."));
      return;
    }
    const known = this.panel;
    // What another tab has read is the same order, but what may be done is this tab's own.
    const session = isOwn ? panel.session : (known?.session ?? { ...panel.session, can: [] });
    this.panel = { ...panel, session };
    this.failure = null;
    for (const invoice of panel.invoices) {
      const before = known?.invoices.find((each) => each.id === invoice.id);
      if (before && before.status !== "paid" && invoice.status === "paid") {
        this.said = speak(this.language)("nowPaid", { number: invoice.number ?? "" });
      }
    }
  }

  private fail(error: unknown): void {
    this.failure = failureOf(error, speak(this.language), this.panel?.version ?? "");
    this.tell("sb-error", { status: this.failure.status, type: this.failure.type });
  }

  private tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  // Acting

  private open(name: ActName, invoice: Invoice | null, event: Event): void {
    if (!this.panel) return;
    this.opener = event.currentTarget as HTMLElement;
    this.act = begin(name, invoice, this.panel, this.format);
    this.actFailure = null;
    this.isTouched = false;
  }

  private change(changes: Partial<Act>): void {
    // Another request has another key.
    if (this.act) this.act = { ...this.act, ...changes, key: crypto.randomUUID() };
    this.actFailure = null;
  }

  private close(): void {
    this.renderRoot.querySelector("dialog")?.close();
    this.act = null;
    // The button may be gone with what it did.
    const target = this.opener?.isConnected ? this.opener : this.renderRoot.querySelector<HTMLElement>("h2");
    target?.focus();
  }

  private async confirm(event: Event): Promise<void> {
    event.preventDefault();
    const act = this.act;
    if (!act || !this.api || this.isBusy) return;
    const amount = amountOf(act, this.format);
    this.isTouched = true;
    if (amount === null || !hasEmail(act)) {
      await this.updateComplete;
      this.renderRoot.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
      return;
    }
    this.isBusy = true;
    try {
      const { path, body, event: name } = requestOf(act, amount);
      const done = await this.api.act(path, body, act.key);
      this.said = doneWords(act, amount, speak(this.language), this.format);
      this.tell(name, done);
      // What it led to shows before the dialog goes.
      await this.reader?.refresh().catch((error: unknown) => this.fail(error));
      await this.updateComplete;
      this.close();
    } catch (error) {
      this.actFailure = failureOf(error, speak(this.language), this.panel?.version ?? "");
      this.tell("sb-error", { status: this.actFailure.status, type: this.actFailure.type });
    } finally {
      this.isBusy = false;
    }
  }

  private async copy(text: string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A frame may not use the clipboard; a selection can be copied everywhere.
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.copied = what;
    this.said = speak(this.language)("copied");
    setTimeout(() => {
      if (this.copied === what) this.copied = "";
    }, 2000);
  }

  // Drawing

  override render(): TemplateResult {
    const say = speak(this.language);
    return html`
      <section class="panel ${this.act && this.expectedOrigin ? "roomy" : ""}" part="panel" lang=${this.language} aria-label=${say("title")} aria-busy=${!this.panel && !this.failure}>
        ${this.drawHeader(say)}
        ${this.failure ? this.drawFailure(this.failure, say, true) : nothing}
        ${this.panel ? this.drawContent(this.panel, say) : this.failure ? nothing : html`<p class="empty">${say("loading")}</p>`}
      </section>
      <p class="unseen" role="status" aria-live="polite">${this.said}</p>
      ${this.act ? this.drawDialog(this.act, say) : nothing}
    `;
  }

  private drawHeader(say: Say): TemplateResult {
    const panel = this.panel;
    const order = panel?.order;
    const canSend =
      order && panel.session.can.includes("send") && panel.integrations.length > 0 && order.outstanding_in_cents > 0 && !order.open_invoice;
    return html`
      <header part="header">
        <div class="summary">
          <h2 tabindex="-1">
            ${say("title")}
            ${panel?.integrations.length && panel.integrations.every((each) => !each.livemode)
              ? html`<span class="badge test">${say("test")}</span>`
              : nothing}
          </h2>
          ${order ? html`<p class="owed" part="owed">${this.drawOwed(say)}</p>` : nothing}
        </div>
        ${canSend
          ? html`<button class="primary" part="button send" @click=${(event: Event) => this.open("send", null, event)}>${say("send")}</button>`
          : nothing}
      </header>
    `;
  }

  private drawOwed(say: Say): TemplateResult | string {
    const order = this.panel!.order!;
    const money = (amount: number) => this.format.money(amount, order.currency);
    if (order.overpaid_in_cents > 0) return say("overpaid", { amount: money(order.overpaid_in_cents) });
    if (order.outstanding_in_cents === 0) return say("settled");
    return html`${say("outstanding")} <strong>${money(order.outstanding_in_cents)}</strong> ${say("orderTotal", {
        total: money(order.total_in_cents),
      })}`;
  }

  private drawContent(panel: Panel, say: Say): TemplateResult {
    const drawing: Drawing = {
      say,
      format: this.format,
      can: panel.session.can,
      copied: this.copied,
      open: (name, invoice, event) => this.open(name, invoice, event),
      copy: (text, what) => void this.copy(text, what),
    };
    return html`
      ${panel.order && panel.integrations.length === 0 ? html`<p class="empty">${say("noIntegration")}</p>` : nothing}
      ${repeat(
        panel.invoices,
        (invoice) => invoice.id,
        (invoice) => drawInvoice(invoice, drawing),
      )}
      ${panel.invoices.length > 0 || (panel.order && panel.integrations.length === 0)
        ? nothing
        : html`<p class="empty">${say(!panel.order ? "noOrder" : panel.session.can.includes("send") ? "noInvoices" : "noInvoicesRead")}</p>`}
      ${panel.timeline.length > 0 ? drawTimeline(panel.timeline, drawing) : nothing}
    `;
  }

  private drawFailure(failure: Failure, say: Say, canRetry: boolean): TemplateResult {
    return html`
      <div class="error" part="error" role="alert">
        <p>${failure.sentence}</p>
        <div class="actions">
          ${canRetry ? html`<button part="button retry" @click=${() => this.start()}>${say("retry")}</button>` : nothing}
          <button type="button" part="button" @click=${() => this.copy(failure.support, "support")}>
            ${this.copied === "support" ? say("copied") : say("support")}
          </button>
        </div>
      </div>
    `;
  }

  private drawDialog(act: Act, say: Say): TemplateResult {
    const amount = amountOf(act, this.format);
    const { title, what } = wordsOf(act, amount, say, this.format);
    const confirm = { send: "send", again: "sendAgain", void: "voidIt", refund: "refundIt" } as const;
    return html`
      <dialog part="dialog" lang=${this.language} aria-labelledby="title" aria-describedby="what" @cancel=${this.cancel}>
        <form novalidate @submit=${this.confirm}>
          <h2 id="title">${title}</h2>
          ${act.name === "send" || act.name === "refund" ? this.drawAmount(act, amount, say) : nothing}
          ${act.name === "send" ? this.drawRecipient(act, say) : nothing}
          ${act.name === "refund" ? this.drawReason(act, say) : nothing}
          <p class="what" id="what">${what}</p>
          ${this.actFailure ? this.drawFailure(this.actFailure, say, false) : nothing}
          <div class="actions">
            <button type="button" part="button" ?disabled=${this.isBusy} @click=${() => this.close()}>${say("cancel")}</button>
            <button
              type="submit"
              part="button confirm"
              class=${act.name === "void" || act.name === "refund" ? "danger" : "primary"}
              aria-disabled=${this.isBusy}
            >
              ${this.isBusy ? say("busy") : say(confirm[act.name])}
            </button>
          </div>
        </form>
      </dialog>
    `;
  }

  private readonly cancel = (event: Event): void => {
    event.preventDefault();
    if (!this.isBusy) this.close();
  };

  private drawAmount(act: Act, amount: number | null, say: Say): TemplateResult {
    const isBad = this.isTouched && amount === null;
    return html`
      <label for="amount">${say("amount", { currency: act.currency })}</label>
      <input
        id="amount"
        part="input"
        inputmode="decimal"
        autocomplete="off"
        .value=${live(act.amount)}
        aria-invalid=${isBad}
        aria-describedby=${isBad ? "bad-amount" : nothing}
        @input=${(event: Event) => this.change({ amount: (event.target as HTMLInputElement).value })}
      />
      ${isBad
        ? html`<p class="fault" id="bad-amount">
            ${say("badAmount", { min: this.format.money(1, act.currency), max: this.format.money(act.max, act.currency) })}
          </p>`
        : nothing}
    `;
  }

  private drawRecipient(act: Act, say: Say): TemplateResult {
    const isBad = this.isTouched && !hasEmail(act);
    const integrations = this.panel?.integrations ?? [];
    return html`
      <label for="email">${say("email")}</label>
      <input
        id="email"
        part="input"
        type="email"
        autocomplete="off"
        .value=${live(act.email)}
        aria-invalid=${isBad}
        aria-describedby=${isBad ? "bad-email" : nothing}
        @input=${(event: Event) => this.change({ email: (event.target as HTMLInputElement).value })}
      />
      ${isBad ? html`<p class="fault" id="bad-email">${say("badEmail")}</p>` : nothing}
      ${integrations.length > 1
        ? html`<label for="account">${say("account")}</label>
            <select
              id="account"
              part="input"
              @change=${(event: Event) => this.change({ integration: Number((event.target as HTMLSelectElement).value) })}
            >
              ${integrations.map((each) => html`<option value=${each.id} ?selected=${each.id === act.integration}>${each.name}</option>`)}
            </select>`
        : nothing}
    `;
  }

  private drawReason(act: Act, say: Say): TemplateResult {
    return html`
      <label for="reason">${say("reason")}</label>
      <select
        id="reason"
        part="input"
        @change=${(event: Event) => this.change({ reason: (event.target as HTMLSelectElement).value })}
      >
        ${REASONS.map(([value, word]) => html`<option value=${value} ?selected=${value === act.reason}>${say(word)}</option>`)}
      </select>
    `;
  }
}

if (!customElements.get("stripe-invoices")) customElements.define("stripe-invoices", StripeInvoices);
