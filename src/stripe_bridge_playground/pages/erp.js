// What an ERP's page does: it asks its own server for a session, and hands that to the panel.
const { service, order, lang, as } = document.body.dataset;

async function fetchSession() {
  const answer = await fetch(`/panel-session?order=${order}&as=${as}`);
  if (!answer.ok) throw new Error(`The ERP answered ${answer.status}.`);
  return answer.text();
}

const panel = document.querySelector("stripe-invoices");
if (panel) panel.fetchSession = fetchSession;

const frame = document.querySelector("iframe");
if (frame) {
  window.addEventListener("message", async (event) => {
    if (event.origin !== service || event.source !== frame.contentWindow) return;
    if (event.data.type === "sb-session-request") {
      const token = await fetchSession();
      frame.contentWindow.postMessage({ type: "sb-session", token }, service);
    }
    if (event.data.type === "sb-height") frame.style.height = `${event.data.height}px`;
  });
  // Only now, so that no message is missed.
  frame.src = `${service}/embed/v1/frame?origin=${location.origin}&sales_order_id=${order}&lang=${lang}`;
}
