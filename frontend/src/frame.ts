// The page in the frame: it talks to the page around it, of the one origin that it was asked for by, and to no other.
import { StripeInvoices } from "./stripe-invoices";

const { origin, salesOrderId } = document.body.dataset as { origin: string; salesOrderId: string };
const ANSWER_WITHIN = 20_000;

const sheet = new CSSStyleSheet();
sheet.replaceSync("body { margin: 0; padding: 2px; background: transparent }");
document.adoptedStyleSheets = [sheet];

function tell(message: Record<string, unknown>): void {
  if (window.parent !== window) window.parent.postMessage(message, origin);
}

let asked = 0;

/** Ask the page around for a session's token, which comes by message only. */
function fetchSession(): Promise<string> {
  const id = ++asked;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(() => reject(new Error("The page gave no session."))), ANSWER_WITHIN);
    const end = (how: () => void): void => {
      clearTimeout(timer);
      window.removeEventListener("message", hear);
      how();
    };
    const hear = (event: MessageEvent): void => {
      if (event.origin !== origin || event.source !== window.parent) return;
      const { type, token } = (event.data ?? {}) as { type?: string; token?: unknown };
      if (type === "sb-session" && typeof token === "string") end(() => resolve(token));
    };
    window.addEventListener("message", hear);
    tell({ type: "sb-session-request", id });
  });
}

const element = new StripeInvoices();
element.salesOrderId = salesOrderId;
element.lang = document.documentElement.lang;
element.expectedOrigin = origin;
element.fetchSession = fetchSession;
for (const name of ["invoice-sent", "invoice-voided", "invoice-refunded", "error", "session-expired"]) {
  element.addEventListener(`sb-${name}`, (event) =>
    tell({ type: "sb-event", name: `sb-${name}`, detail: (event as CustomEvent).detail }),
  );
}
document.body.append(element);
new ResizeObserver(() => tell({ type: "sb-height", height: document.documentElement.offsetHeight })).observe(
  document.documentElement,
);
