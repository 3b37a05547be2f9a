// Live regions: elements with hx-trigger="every Ns". Polls pause when the page is hidden or the
// person pressed "Live", and slow down when nobody has touched the page for a while.
(() => {
  const IDLE_AFTER = 120_000; // ms without a key, pointer or scroll
  const IDLE_EVERY = 30_000; // ms between polls of one region then
  const POLLED = '[hx-trigger*="every "]';
  const SHOWN = `${POLLED}:not([data-quiet])`; // the sidebar's counts alone make no live page

  let paused = false;
  let touched = Date.now();
  let answered = Date.now();
  let failed = null;
  const asked = new WeakMap();

  const button = () => document.getElementById("live");
  const polls = () => document.querySelectorAll(POLLED);
  const isPoll = (ctx) => ctx.sourceEvent?.type === "every";

  function mayAsk(element) {
    if (paused || document.hidden) return false;
    const idle = Date.now() - touched > IDLE_AFTER;
    return !(idle && Date.now() - (asked.get(element) ?? 0) < IDLE_EVERY);
  }

  function since(ms) {
    const seconds = Math.max(0, Math.round(ms / 1000));
    return seconds < 60 ? `${seconds} s ago` : `${Math.floor(seconds / 60)} min ago`;
  }

  function show() {
    const live = button();
    if (!live) return;
    live.hidden = !document.querySelector(SHOWN);
    live.setAttribute("aria-pressed", String(!paused));
    const age = since(Date.now() - answered);
    live.lastElementChild.textContent = paused ? `Paused, ${age}` : failed ? `No answer, ${age}` : `Live, ${age}`;
    live.classList.toggle("warn", Boolean(failed) && !paused);
  }

  function askAll() {
    for (const element of polls()) htmx.trigger(element, "every", {}, false);
  }

  function toggle() {
    paused = !paused;
    if (!paused) askAll();
    show();
  }

  function trouble(text) {
    const note = document.getElementById("trouble");
    note.hidden = !text;
    note.lastElementChild.textContent = text ?? "";
    for (const element of polls()) element.classList.toggle("dim", Boolean(text));
  }

  function onTrouble(ctx, words) {
    failed = words;
    const at = new Date().toISOString().slice(11, 19);
    const next = isPoll(ctx) ? "It asks again by itself; the numbers below are old." : "Nothing was changed on this page.";
    trouble(`${words} at ${at} UTC. ${next}`);
    show();
  }

  function onAnswer(ctx) {
    const raw = ctx.response.raw;
    if (raw.redirected && new URL(raw.url).pathname === document.body.dataset.login) {
      location.reload(); // the session ended: the login page belongs in the window
      return false;
    }
    if (raw.status >= 500) {
      onTrouble(ctx, `The console answered ${raw.status}`);
      return true;
    }
    answered = Date.now();
    if (failed) trouble(null);
    failed = null;
    show();
    return true;
  }

  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    if (!isPoll(ctx)) return;
    if (mayAsk(ctx.sourceElement)) asked.set(ctx.sourceElement, Date.now());
    else event.preventDefault();
  });
  document.addEventListener("htmx:after:request", (event) => {
    if (!onAnswer(event.detail.ctx)) event.preventDefault();
  });
  document.addEventListener("htmx:error", (event) => {
    const { ctx } = event.detail;
    if (ctx && !ctx.response) onTrouble(ctx, "The console does not answer");
  });
  document.addEventListener("visibilitychange", () => document.hidden || askAll());
  for (const name of ["pointerdown", "pointermove", "keydown", "scroll"]) {
    addEventListener(name, () => (touched = Date.now()), { passive: true });
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("#live")) toggle();
    event.target.closest("[data-dismiss]")?.parentElement.remove();
  });
  // what a person opened stays open when the region around it is drawn anew
  htmx.registerExtension("keep-open", {
    htmx_before_morph_attr: (element, { attrName }) =>
      !(attrName === "open" && element.matches("details, dialog")),
  });
  setInterval(show, 1000);
  show();
})();
