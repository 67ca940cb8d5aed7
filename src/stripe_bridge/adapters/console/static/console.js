// What pages do not need, and people like: to copy with a click.
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
