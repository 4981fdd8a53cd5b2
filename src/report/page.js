"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const numbers = (text) => {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    return new Float32Array(bytes.buffer);
  };
  const safe = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const colours = () => {
    const night = dark.matches && !printing;
    return { ink: night ? "#e8e8e8" : "#222", ground: night ? "#17191c" : "#fff", line: night ? "#3b4048" : "#e0e0e0" };
  };
  const axis = (title, more) => {
    const c = colours();
    return { title: { text: safe(title) }, gridcolor: c.line, zerolinecolor: c.line, linecolor: c.ink, automargin: true, exponentformat: "power", ...more };
  };
  const layout = (title, x, y, more) => {
    const c = colours();
    return {
      // the title between the plot and the buttons above it
      title: { text: safe(title), font: { size: 15 }, yref: "paper", y: 1, yanchor: "bottom", pad: { b: 6 } }, paper_bgcolor: c.ground, plot_bgcolor: c.ground,
      font: { color: c.ink, family: "system-ui, sans-serif" }, margin: { t: 60, r: 20, b: 45, l: 60 },
      xaxis: x, yaxis: y, legend: { orientation: "h", y: -0.22 }, hovermode: "closest",
      uirevision: `${logarithmic.checked} ${own.checked}`, // what the reader has zoomed stays while time goes
      ...more,
    };
  };
  const config = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d"] };
  const dashes = ["solid", "dash", "dot", "dashdot", "longdash"];
  const slider = document.getElementById("time");
  const shown = document.getElementById("shown");
  const logarithmic = document.getElementById("logarithmic");
  const own = document.getElementById("own");
  const plots = [];

  const frame = (series, k) => {
    const n = series.cells;
    return series.values.subarray(k * n, (k + 1) * n);
  };
  const rows = (flat, n) => Array.from({ length: flat.length / n }, (_, i) => Array.from(flat.subarray(i * n, (i + 1) * n)));
  const transposed = (matrix) => matrix[0].map((_, j) => matrix.map((row) => row[j]));
  // the output of an engine that is nearest to a time
  const nearest = (times, t) => times.reduce((best, s, k) => (Math.abs(s - t) < Math.abs(times[best] - t) ? k : best), 0);
  const at = () => data.times[Number(slider.value)];
  const said = (v) => (typeof v === "number" ? String(Number(v.toPrecision(4))) : "none");
  // decades below the top of a scale that a logarithmic one shows
  const decades = { line: 8, map: 4 };
  const peak = (values) => values.reduce((most, v) => Math.max(most, v), 0);
  const beyond = (highest, top) => (!own.checked && highest > 1.05 * top ? `; cut, up to ${said(highest)}` : "");

  const line = (panel) => () => {
    const x = Array.from(panel.x);
    const traces = panel.series.map((series, i) => {
      const engine = data.engines[series.engine];
      const y = Array.from(frame(series, nearest(engine.times, at())));
      return { x, y, name: engine.label, mode: "lines", line: { color: engine.colour, dash: dashes[i % dashes.length], width: 2.5, shape: engine.walkers ? "hvh" : "linear" } };
    });
    const c = colours();
    if (panel.stationary) traces.push({ x, y: Array.from(panel.stationary), name: "stationary", mode: "lines", line: { color: c.ink, width: 1.5, dash: "dot" } });
    if (panel.loss) traces.push({ x, y: Array.from(panel.loss), name: "loss L", mode: "lines", yaxis: "y2", line: { color: "#999", width: 1.5 } });
    const { top } = panel;
    const log = Math.log10(top);
    const fixed = own.checked || !(top > 0) ? {} : { range: logarithmic.checked ? [log - decades.line, log + 0.1] : [0, 1.05 * top] };
    const y = axis("density", { ...(logarithmic.checked ? { type: "log" } : { rangemode: "tozero" }), ...fixed });
    const highest = peak(traces.filter((trace) => trace.name !== "loss L").map((trace) => peak(trace.y)));
    const more = panel.loss ? { yaxis2: axis("loss", { overlaying: "y", side: "right", showgrid: false }) } : {};
    return [traces, layout(panel.title + beyond(highest, top), axis(panel.xlabel), y, { ...more, hovermode: "x" })];
  };
  const map = (panel, series) => () => {
    const engine = series.engine === undefined ? null : data.engines[series.engine];
    const flat = engine ? frame(series, nearest(engine.times, at())) : series.values;
    let z = transposed(rows(flat, panel.y.length));
    const { top } = panel;
    if (logarithmic.checked) z = z.map((row) => row.map((v) => (v > 0 ? Math.log10(v) : null)));
    const log = Math.log10(top);
    const fixed = own.checked || !(top > 0) ? {} : logarithmic.checked ? { zmin: log - decades.map, zmax: log } : { zmin: 0, zmax: top };
    const title = (engine ? engine.label : "stationary") + beyond(peak(flat), top);
    const bar = { title: { text: logarithmic.checked ? "log₁₀ ρ" : "ρ" }, thickness: 12, exponentformat: "power" };
    const trace = { type: "heatmap", x: Array.from(panel.x), y: Array.from(panel.y), z, colorscale: "Viridis", zsmooth: "best", colorbar: bar, ...fixed };
    return [[trace], layout(title, axis(panel.xlabel), axis(panel.ylabel), { margin: { t: 60, r: 10, b: 45, l: 55 } })];
  };
  const curves = (chart) => () => {
    const traces = chart.curves.map((curve, i) => ({
      x: curve.x, y: curve.y, name: curve.name, mode: curve.faint ? "lines" : "lines+markers", opacity: curve.faint ? 0.7 : 1,
      line: { color: curve.colour, dash: curve.faint ? "dot" : dashes[i % 2 ? 1 : 0], width: curve.faint ? 1.2 : 2 }, marker: { size: 5, symbol: i % 8 },
    }));
    const y = axis(chart.ylabel, chart.log ? { type: "log" } : {});
    return [traces, layout(chart.title, axis("t"), y, { hovermode: "x", legend: { orientation: "h", y: -0.3 } })];
  };

  const add = (place, draw, words, moves, height) => {
    const figure = document.createElement("figure");
    const box = document.createElement("div");
    box.style.height = height;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `${words}. Arrow keys read its values, Page up and Page down change the time.`);
    box.tabIndex = 0;
    const caption = document.createElement("figcaption");
    caption.textContent = words;
    const read = document.createElement("output");
    read.className = "read";
    figure.append(box, read, caption);
    place.append(figure);
    const plot = { box, draw, moves, read, cursor: null };
    box.addEventListener("keydown", (event) => {
      if (event.target === box && reads(plot, event.key)) event.preventDefault();
    });
    plots.push(plot);
  };

  // The values of a plot by keys: left and right along x; up and down along y of a map, else from curve to curve.
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const reads = (plot, key) => {
    if (key === "PageUp" || key === "PageDown") {
      go(Number(slider.value) + (key === "PageDown" ? 1 : -1));
      return true;
    }
    if (!steps[key]) return false;
    const traces = plot.box.data;
    const isMap = traces[0].type === "heatmap";
    const [right, up] = steps[key];
    const rest = isMap ? traces[0].y.length : traces.length;
    const [i, j] = plot.cursor ?? [Math.floor(traces[0].x.length / 2), isMap ? Math.floor(rest / 2) : 0];
    const inside = (k, n) => Math.min(Math.max(k, 0), n - 1);
    const line = inside(j + (plot.cursor ? (isMap ? up : -up) : 0), rest);
    const points = isMap ? traces[0].x.length : traces[line].x.length;
    plot.cursor = [inside(i + (plot.cursor ? right : 0), points), line];
    say(plot);
    return true;
  };
  const say = (plot) => {
    if (!plot.cursor) return;
    const [i, j] = plot.cursor;
    const traces = plot.box.data;
    const { xaxis, yaxis } = plot.box.layout;
    const isMap = traces[0].type === "heatmap";
    const trace = isMap ? traces[0] : traces[j];
    const z = isMap ? trace.z[j][i] : trace.y[i];
    const name = isMap ? (logarithmic.checked ? "log₁₀ ρ" : "ρ") : trace.name;
    const place = `${xaxis.title.text} = ${said(trace.x[i])}${isMap ? `, ${yaxis.title.text} = ${said(trace.y[j])}` : ""}`;
    plot.read.textContent = `${place}: ${name} ${said(z)}`;
    const point = isMap ? { curveNumber: 0, pointNumber: [j, i] } : { curveNumber: j, pointNumber: i };
    Plotly.Fx.hover(plot.box, [point], trace.yaxis === "y2" ? "xy2" : "xy");
  };
  const decode = (series) => ({ ...series, values: numbers(series.values) });
  const densities = document.getElementById("densities");
  for (const raw of data.panels) {
    const panel = { ...raw, x: numbers(raw.x), y: raw.y && numbers(raw.y), series: raw.series.map(decode) };
    panel.stationary = raw.stationary && numbers(raw.stationary);
    panel.loss = raw.loss && numbers(raw.loss);
    if (!panel.y) {
      add(densities, line(panel), panel.about, true, "26rem");
      continue;
    }
    const grid = document.createElement("div");
    grid.className = "maps";
    densities.append(grid);
    for (const series of panel.series) add(grid, map(panel, series), `${panel.about}, ${data.engines[series.engine].label}`, true, "22rem");
    if (panel.stationary) add(grid, map(panel, { values: panel.stationary }), `${panel.about}, stationary`, false, "22rem");
  }
  for (const chart of data.charts) add(document.getElementById("charts"), curves(chart), chart.about, false, chart.curves.length > 6 ? "32rem" : "24rem");

  const draw = (all) => {
    if (data.times.length) shown.textContent = `t = ${Number(at().toPrecision(6))}`;
    for (const plot of plots) {
      if (!all && !plot.moves) continue;
      Plotly.react(plot.box, ...plot.draw(), config);
      say(plot);
    }
  };
  const last = Math.max(0, data.times.length - 1);
  const go = (k) => {
    slider.value = Math.min(Math.max(k, 0), last);
    draw(false);
  };
  slider.max = last;
  slider.value = last;
  slider.addEventListener("input", () => draw(false));
  for (const box of [logarithmic, own]) box.addEventListener("change", () => draw(true));
  // one timer: the button starts and stops it
  const play = document.getElementById("play");
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  };
  play.addEventListener("click", () => {
    if (timer !== null) {
      stop();
      return;
    }
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    if (Number(slider.value) >= last) go(0);
    timer = setInterval(() => {
      if (Number(slider.value) < last) go(Number(slider.value) + 1);
      if (Number(slider.value) >= last) stop();
    }, 120);
  });
  dark.addEventListener("change", () => draw(true));
  addEventListener("beforeprint", () => { printing = true; document.querySelectorAll("details").forEach((d) => { d.open = true; }); draw(true); });
  addEventListener("afterprint", () => { printing = false; draw(true); });
  if (!data.panels.length) document.querySelector(".controls").hidden = true;
  draw(true);
})();
