// What pages do not need, and people like: to copy with a click, and news without a reload.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent;
  try {
    await navigator.clipboard.writeText(text);
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 2000);
  } catch {
    // Without https there is no clipboard: select it instead.
    getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
  }
});
for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;

// Nobody looks at a page in the background, so it does not ask.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.getAttribute("hx-trigger")?.startsWith("every")) event.preventDefault();
});

// Where the keyboard was in what is replaced: the address of a link, or the label of a table.
let focused = null;
const address = (node) => node.getAttribute("href") ?? node.getAttribute("aria-label");

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { target, xhr } = detail;
  const fresh = new DOMParser().parseFromString(xhr.responseText, "text/html").getElementById(target.id);
  if (!fresh) {
    // Another page was answered. Signed out meanwhile, one is led to signing in; else what was there stays.
    detail.shouldSwap = false;
    if (new URL(xhr.responseURL).pathname.endsWith("/console/sign-in")) location.reload();
  } else if (fresh.innerHTML === target.innerHTML) {
    // Nothing new: what is selected or scrolled there stays so.
    detail.shouldSwap = false;
  } else {
    focused = target.contains(document.activeElement) ? address(document.activeElement) : null;
  }
});
document.addEventListener("htmx:afterSettle", () => {
  if (focused === null) return;
  const found = [...document.querySelectorAll("#page a, #page [aria-label]")].find((node) => address(node) === focused);
  found?.focus({ preventScroll: true });
  focused = null;
});
