import { css } from "lit";

/** Every color, size and font can be set from the page, as --sb-*. */
export const styles = css`
  :host {
    --_font: var(--sb-font, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif);
    --_text: var(--sb-text, light-dark(#1a1f36, #e8eaf0));
    --_muted: var(--sb-muted, light-dark(#4f5b76, #a8b0c2));
    --_surface: var(--sb-surface, light-dark(#ffffff, #16181f));
    --_raised: var(--sb-raised, light-dark(#f6f8fa, #1f222b));
    --_border: var(--sb-border, light-dark(#d8dee6, #363b48));
    --_accent: var(--sb-accent, light-dark(#4f46e5, #a5a0ff));
    --_on-accent: var(--sb-on-accent, light-dark(#ffffff, #14123a));
    --_danger: var(--sb-danger, light-dark(#b3093c, #ff9db2));
    --_on-danger: var(--sb-on-danger, light-dark(#ffffff, #3a0415));
    --_good: light-dark(#05690d, #86d993);
    --_good-back: light-dark(#e3f6e5, #143a1b);
    --_warn: light-dark(#8a3a00, #ffc078);
    --_warn-back: light-dark(#fdf0dc, #422a0c);
    --_bad-back: light-dark(#fde8ee, #471425);
    --_info: light-dark(#0b4fa8, #9cc7ff);
    --_info-back: light-dark(#e5f0fd, #12305a);
    --_radius: var(--sb-radius, 8px);
    --_space: var(--sb-space, 16px);
    display: block;
    container-type: inline-size;
    color: var(--_text);
    font: 400 14px/1.45 var(--_font);
  }
  :host([hidden]) { display: none; }
  * { box-sizing: border-box; }
  .panel { background: var(--_surface); border: 1px solid var(--_border); border-radius: var(--_radius); overflow: clip; }
  /* In a frame the dialog has no more room than the page is high. */
  .roomy { min-height: 560px; }
  header, .invoice, .empty, details { padding: var(--_space); }
  header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px var(--_space); }
  header .summary { margin-inline-end: auto; }
  h2, h3, p, ul, ol { margin: 0; padding: 0; }
  h2 { font-size: 15px; font-weight: 600; display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; }
  h3 { font-size: 14px; font-weight: 600; overflow-wrap: anywhere; }
  .owed { font-variant-numeric: tabular-nums; color: var(--_muted); }
  .owed strong { color: var(--_text); font-weight: 600; }
  .invoice, .empty, details { border-top: 1px solid var(--_border); }
  .empty { color: var(--_muted); text-align: center; padding-block: 28px; }
  .line { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 12px; }
  .line .amount { margin-inline-start: auto; font-size: 16px; font-weight: 600; }
  .amount { font-variant-numeric: tabular-nums; white-space: nowrap; }
  .meta { color: var(--_muted); display: flex; flex-wrap: wrap; gap: 2px 16px; margin-top: 4px; }
  .meta > * { overflow-wrap: anywhere; }
  /* Each in the direction of its own words: in a page from right to left, a minus stays in front of its amount. */
  .amount, .meta > *, .moves span, .timeline span, time, .what, .error p, .fault, dialog h2, input { unicode-bidi: plaintext; }
  .late { color: var(--_danger); font-weight: 600; }
  .moves { list-style: none; margin-top: 10px; padding: 8px 12px; background: var(--_raised); border-radius: calc(var(--_radius) - 2px); display: grid; gap: 4px; }
  .moves li { display: flex; flex-wrap: wrap; gap: 2px 12px; }
  .moves .amount { margin-inline-start: auto; }
  .actions { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 12px; }
  .badge { font-size: 12px; font-weight: 600; line-height: 20px; padding-inline: 8px; border-radius: 10px; background: var(--_raised); color: var(--_muted); white-space: nowrap; }
  .badge.paid { background: var(--_good-back); color: var(--_good); }
  .badge.open, .badge.pending { background: var(--_info-back); color: var(--_info); }
  .badge.overdue, .badge.uncollectible, .badge.test { background: var(--_warn-back); color: var(--_warn); }
  button, .button { font: inherit; font-weight: 500; color: var(--_text); background: var(--_surface); border: 1px solid var(--_border); border-radius: calc(var(--_radius) - 2px); padding: 5px 12px; min-height: 32px; cursor: pointer; text-decoration: none; }
  button:hover:not(:disabled), .button:hover { background: var(--_raised); }
  button.primary { background: var(--_accent); border-color: var(--_accent); color: var(--_on-accent); }
  button.danger { background: var(--_danger); border-color: var(--_danger); color: var(--_on-danger); }
  button.primary:hover:not(:disabled), button.danger:hover:not(:disabled) { filter: brightness(1.08); background: var(--_accent); }
  button.danger:hover:not(:disabled) { background: var(--_danger); }
  button:disabled { opacity: 0.6; cursor: default; }
  :focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
  .error { margin: 0 var(--_space) var(--_space); padding: 10px 12px; border-radius: calc(var(--_radius) - 2px); background: var(--_bad-back); color: var(--_text); border-inline-start: 3px solid var(--_danger); overflow-wrap: anywhere; }
  .error .actions { margin-top: 8px; }
  dialog .error { margin: 12px 0 0; }
  summary { cursor: pointer; font-weight: 600; border-radius: 4px; }
  .timeline { list-style: none; margin-top: 10px; display: grid; gap: 6px; max-height: 320px; overflow: auto; }
  .timeline li { display: flex; flex-wrap: wrap; gap: 0 12px; }
  .timeline time { margin-inline-start: auto; }
  .timeline .who, .timeline time, .moves time { color: var(--_muted); }
  dialog { width: min(440px, calc(100vw - 24px)); color: var(--_text); background: var(--_surface); border: 1px solid var(--_border); border-radius: calc(var(--_radius) + 4px); padding: 20px; box-shadow: 0 12px 40px rgb(0 0 0 / 25%); }
  dialog::backdrop { background: rgb(10 14 30 / 45%); }
  dialog h2 { font-size: 16px; margin-bottom: 12px; }
  dialog .what { color: var(--_muted); margin-top: 12px; overflow-wrap: anywhere; }
  label { display: block; font-weight: 500; margin-top: 10px; }
  input, select { font: inherit; display: block; width: 100%; margin-top: 4px; min-height: 36px; padding: 6px 10px; color: var(--_text); background: var(--_surface); border: 1px solid light-dark(#7d8798, #7d8798); border-radius: calc(var(--_radius) - 2px); }
  input[aria-invalid="true"] { border-color: var(--_danger); }
  .fault { color: var(--_danger); font-size: 13px; margin-top: 4px; }
  dialog .actions { justify-content: flex-end; margin-top: 20px; }
  .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  @container (max-width: 420px) {
    header > button, .invoice .actions > * { flex: 1 1 auto; text-align: center; }
    .timeline time { margin-inline-start: 0; flex-basis: 100%; }
  }
  @media (prefers-reduced-motion: no-preference) {
    .fresh { animation: fresh 1.6s ease-out; }
    @keyframes fresh { from { background: var(--_info-back); } }
  }
`;
