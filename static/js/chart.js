// Draws every [data-chart] with uPlot from the JSON block whose id is in data-source:
// {x, series: [{name, y, tone?, bars?, area?, dash?}], range?, marks?, bands?, seconds?, unit?}.
// Colours are custom properties of console.css, so a change of theme draws anew.
(() => {
  const drawn = new Map(); // element -> {plot, text}
  const probe = document.createElement("span");
  // steps of the time axis in seconds: its labels are hours and minutes
  const WHOLE_MINUTES = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];

  function colour(name) {
    if (!probe.isConnected) document.body.append(probe); // Back replaces the body
    probe.style.color = `var(${name})`; // by script, which a strict CSP allows
    return getComputedStyle(probe).color;
  }

  function pale(value, alpha) {
    const [red, green, blue] = value.match(/[\d.]+/g);
    return `rgba(${red},${green},${blue},${alpha})`;
  }

  function clock(seconds) {
    return new Date(seconds * 1000).toISOString().slice(11, 16);
  }

  function drawMarks(plot, marks) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio || 1;
    ctx.save();
    ctx.font = `${11 * ratio}px Inter`;
    ctx.textBaseline = "top";
    ctx.lineWidth = ratio;
    let free = -Infinity; // where the last text ended: two that would overlap are one
    for (const mark of marks) {
      const x = Math.round(plot.valToPos(mark.t, "x", true)) + 0.5;
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      const left = mark.side === "left";
      ctx.strokeStyle = ctx.fillStyle = colour(mark.tone ?? "--c-ink");
      ctx.setLineDash([3 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.textAlign = left ? "right" : "left";
      if (x < free) continue;
      ctx.fillText(mark.text, x + (left ? -5 : 5) * ratio, bbox.top + ratio);
      free = x + ctx.measureText(mark.text).width + 10 * ratio;
    }
    ctx.restore();
  }

  function line(series) {
    const stroke = colour(series.tone ?? "--c-work");
    const isLone = series.y.filter((value) => value != null).length === 1; // no line joins one value
    const made = { label: series.name, stroke, width: 1.75, dash: series.dash ?? [], points: { show: isLone, size: 6, fill: stroke } };
    if (series.bars) Object.assign(made, { paths: uPlot.paths.bars({ size: [0.8, 40], align: 1 }), fill: stroke, width: 0 });
    if (series.area) made.fill = pale(stroke, 0.1);
    return made;
  }

  function axes(source) {
    const shared = { stroke: colour("--c-muted"), font: "11px Inter", ticks: { show: false }, gap: 4 };
    const grid = { stroke: colour("--c-line"), width: 1 };
    const x = source.seconds ? (number) => `${number} s` : clock;
    return [
      { ...shared, size: 20, space: 60, grid: { show: false }, incrs: source.seconds ? undefined : WHOLE_MINUTES, values: (_, all) => all.map(x) },
      { ...shared, size: source.axis ?? 30, space: 28, grid, incrs: source.step && [source.step], values: (_, all) => all.map((number) => `${number}${source.unit ?? ""}`) },
    ];
  }

  function options(element, source) {
    const range = source.range ?? ((_, low, high) => [0, (high || 1) * 1.12]);
    return {
      width: element.clientWidth,
      height: Number(element.dataset.height ?? 120),
      padding: [6, 18, 0, 0], // the last label is centred under the right edge
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      scales: { x: { time: !source.seconds }, y: { range } },
      axes: axes(source),
      bands: (source.bands ?? []).map((band) => ({ series: band.series, fill: pale(colour(band.tone), 0.16) })),
      series: [{}, ...source.series.map(line)],
      hooks: { draw: [(plot) => drawMarks(plot, source.marks ?? [])] },
    };
  }

  function draw(element, anew) {
    const text = document.getElementById(element.dataset.source)?.textContent;
    const before = drawn.get(element);
    if (!text || (before?.text === text && !anew)) return;
    before?.plot.destroy();
    const source = JSON.parse(text);
    element.textContent = "";
    const plot = new uPlot(options(element, source), [source.x, ...source.series.map((one) => one.y)], element);
    drawn.set(element, { plot, text });
    resizes.observe(element);
  }

  function drawAll(anew) {
    for (const element of drawn.keys()) {
      if (!element.isConnected) drawn.delete(element);
    }
    document.querySelectorAll("[data-chart]").forEach((element) => draw(element, anew));
  }

  const resizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const plot = drawn.get(target)?.plot;
      if (plot && plot.width !== target.clientWidth) plot.setSize({ width: target.clientWidth, height: plot.height });
    }
  });

  probe.hidden = true;
  document.fonts.ready.then(() => drawAll(false));
  document.addEventListener("htmx:after:settle", () => drawAll(false));
  document.documentElement.addEventListener("console:theme", () => drawAll(true));
})();
