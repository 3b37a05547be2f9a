// Keeps <time data-ago> current: "6 s ago", "34 min ago", from an hour on the time of day (UTC).
(() => {
  const pad = (number) => String(number).padStart(2, "0");

  function words(element) {
    const then = new Date(element.dateTime);
    const seconds = Math.max(0, Math.floor((Date.now() - then) / 1000));
    if (seconds < 60) return `${seconds}\u00a0s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)}\u00a0min ago`;
    const today = then.toISOString().slice(0, 10) === new Date().toISOString().slice(0, 10);
    return today ? `${pad(then.getUTCHours())}:${pad(then.getUTCMinutes())}` : element.textContent;
  }

  setInterval(() => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("time[data-ago]")) {
      const text = words(element);
      if (element.textContent !== text) element.textContent = text;
    }
  }, 1000);
})();
