"""The page's script: draws the figures from the data in the page, asks nothing of any network."""

from isotherm.report.loads_script import LOAD_FIGURES
from isotherm.report.region_script import REGION_FIGURES
from isotherm.report.trend_script import TREND_FIGURES

_FIGURES = r"""
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("figure-data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const INK = {
    light: ["#0b6fb8", "#d1495b", "#1f8a63", "#7d4fc0", "#b86e00", "#51606f", "#ad2f77", "#47791f"],
    dark: ["#5ab4f0", "#ff8595", "#58c79d", "#bfa2f5", "#f0ad48", "#a9b6c2", "#f28ac6", "#97d36f"],
  };
  const DASH = ["solid", "7px,3px", "2px,2px", "9px,3px,2px,3px", "4px,2px", "12px,4px"];
  const SHAPE = ["circle", "diamond", "square", "triangle-up", "cross", "star", "x", "hexagon"];
  let printing = false;

  const theme = () => {
    const night = dark.matches && !printing;
    return {
      night, colours: night ? INK.dark : INK.light, bad: night ? "#ff8595" : "#b3263a",
      ink: night ? "#e8ecf3" : "#1b2230", soft: night ? "#a3adbd" : "#566072",
      grid: night ? "#2b3441" : "#e9ebef", card: night ? "#191f29" : "#ffffff",
    };
  };
  const colourOf = (look, target) => look.colours[data.targets.indexOf(target) % look.colours.length];
  const faint = (colour, alpha) =>
    `rgba(${[1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)).join(",")},${alpha})`;
  // Jitter that is the same on every visit: a golden-ratio sequence spreads neighbours evenly.
  const jitter = (index) => ((index * 0.6180339887) % 1) - 0.5;
  const safe = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

  const layout = (look, height, more) => ({
    height, dragmode: false, hovermode: "closest", showlegend: false,
    margin: { l: 8, r: 14, t: 10, b: 44 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: look.ink },
    hoverlabel: { bgcolor: look.card, bordercolor: look.soft, font: { color: look.ink } },
    ...more,
  });
  const axis = (look, title, more) => ({
    title: { text: title, font: { color: look.soft, size: 12.5 }, standoff: 8 }, automargin: true,
    gridcolor: look.grid, zerolinecolor: look.grid, linecolor: look.grid, tickcolor: look.grid,
    tickfont: { color: look.soft }, ...more,
  });

  // Each part of the script puts its kinds of figures here: from the theme, the group's data, the metric chosen, the
  // part of the group, and the figure's width to the figure's traces and layout.
  const DRAW = {
    box: (look, group, metric) => boxes(look, group, metric),
    ecdf: (look, group, metric) => shares(look, group, metric),
    size: (look) => against(look, "megabytes", "Package archive, MB", { key: "start", title: "Start-up, ms" }),
    imports: (look) => against(look, "imports", "Imports, ms", { key: "start", title: "Start-up, ms" }),
    overhead: (look) => against(look, "megabytes", "Package archive, MB", { key: "overhead", title: "Overhead, ms" }),
  };

  function boxes(look, group, metric) {
    const rows = group.rows.filter((row) => row.metrics[metric.name]);
    const traces = [];
    rows.forEach((row, index) => {
      const d = row.metrics[metric.name];
      const at = rows.length - 1 - index;
      const colour = colourOf(look, row.target);
      traces.push({
        type: "scatter", mode: "markers", x: d.values, y: d.values.map((_, i) => at - 0.3 + 0.22 * jitter(i)),
        marker: { color: faint(colour, 0.5), size: 4.5 },
        hovertemplate: `${safe(row.target)}: %{x} ${metric.unit}<extra></extra>`,
      }, {
        type: "box", orientation: "h", y: [at + 0.1], q1: [d.q1], median: [d.median], q3: [d.q3],
        lowerfence: [d.whiskers[0]], upperfence: [d.whiskers[1]], width: 0.34, whiskerwidth: 0.5,
        line: { color: colour, width: 1.4 }, fillcolor: faint(colour, 0.2), hoverinfo: "skip",
      });
      const bounded = d.low !== null && d.high !== null;
      traces.push({
        type: "scatter", mode: "markers", x: [d.median], y: [at + 0.1],
        marker: { symbol: "diamond", size: 7, color: look.ink },
        error_x: bounded ? { type: "data", symmetric: false, array: [d.high - d.median],
          arrayminus: [d.median - d.low], color: look.ink, thickness: 2.2, width: 6 } : undefined,
        hovertemplate: `${safe(row.target)}, median of ${d.n}: ${d.median} ${metric.unit}` +
          (bounded ? `<br>${data.confidence} interval ${d.low} to ${d.high}` : "<br>too few for an interval") +
          "<extra></extra>",
      });
    });
    return [traces, layout(look, 74 + 56 * rows.length, {
      xaxis: axis(look, `${metric.label}, ${metric.unit}`, { rangemode: "tozero" }),
      yaxis: axis(look, "", { tickvals: rows.map((_, i) => rows.length - 1 - i),
        ticktext: rows.map((r) => safe(r.target)),
        range: [-0.62, rows.length - 0.5], showgrid: false, zeroline: false, tickfont: { color: look.ink, size: 13 } }),
    })];
  }

  function shares(look, group, metric) {
    const rows = group.rows.filter((row) => row.metrics[metric.name]);
    const traces = rows.map((row) => {
      const d = row.metrics[metric.name];
      const m = d.values.length;
      const rank = (i) => (m < 2 ? d.n : Math.round(i * (d.n - 1) / (m - 1)) + 1);
      return {
        type: "scatter", mode: "lines", name: safe(row.target), line: { shape: "hv", width: 2.2,
          color: colourOf(look, row.target), dash: DASH[data.targets.indexOf(row.target) % DASH.length] },
        x: [d.values[0], ...d.values], y: [0, ...d.values.map((_, i) => 100 * rank(i) / d.n)],
        hovertemplate: `%{y:.0f} % of ${safe(row.target)} within %{x} ${metric.unit}<extra></extra>`,
      };
    });
    return [traces, layout(look, 74 + 56 * Math.max(rows.length, 3), {
      showlegend: true, legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { color: look.ink } },
      margin: { l: 8, r: 14, t: 30, b: 44 },
      xaxis: axis(look, `${metric.label}, ${metric.unit}`, { rangemode: "tozero" }),
      yaxis: axis(look, "calls within, %", { range: [0, 102], tickvals: [0, 25, 50, 75, 95, 100] }),
    })];
  }

  function against(look, key, title, y) {
    const places = [...new Set(data.axes.map((point) => point.place))];
    const known = data.axes.filter((point) => point[key] !== null && point[y.key]);
    const widest = Math.max(...known.map((point) => point[key]), 1e-9);
    const highest = Math.max(...known.map((point) => point[y.key][0]), 1e-9);
    const named = [];
    // Names of targets that lie close together go to different sides of their marks.
    const side = (point) => {
      const near = named.filter((other) => Math.abs(other[key] - point[key]) < 0.2 * widest
        && Math.abs(other[y.key][0] - point[y.key][0]) < 0.1 * highest).length;
      named.push(point);
      return ["top right", "bottom right", "middle right", "top center", "bottom center"][near % 5];
    };
    const traces = known.map((point) => {
      const [middle, low, high] = point[y.key];
      const first = point.place === places[0];
      const colour = colourOf(look, point.target);
      return {
        type: "scatter", mode: "markers+text", x: [point[key]], y: [middle],
        text: [first ? safe(point.target) : ""], textposition: first ? side(point) : "top center",
        textfont: { color: colour, size: 12 }, cliponaxis: false, showlegend: false,
        marker: { color: faint(colour, 0.85), size: 11, symbol: SHAPE[places.indexOf(point.place) % SHAPE.length] },
        error_y: low !== null && high !== null ? { type: "data", symmetric: false, array: [high - middle],
          arrayminus: [middle - low], color: colour, thickness: 1.5, width: 4 } : undefined,
        hovertemplate: `${safe(point.target)} in ${safe(point.place)}<br>%{x} → %{y} ms<extra></extra>`,
      };
    });
    if (places.length > 1) {
      places.forEach((place, index) => traces.push({ type: "scatter", mode: "markers", x: [null], y: [null],
        name: safe(place), marker: { color: look.soft, size: 10, symbol: SHAPE[index % SHAPE.length] } }));
    }
    return [traces, layout(look, 360, {
      showlegend: places.length > 1, margin: { l: 8, r: 20, t: 34, b: 46 },
      legend: { orientation: "h", x: 0, y: 1.03, yanchor: "bottom", font: { color: look.ink } },
      xaxis: axis(look, title, { range: [-0.06 * widest, 1.34 * widest], zeroline: false }),
      yaxis: axis(look, y.title, { range: [0, 1.22 * highest] }),
    })];
  }

"""
_DRAWING = r"""
  const config = { responsive: true, displaylogo: false, displayModeBar: false };
  const figures = [];
  function chosen(group) {
    const input = document.querySelector(`[data-group="${CSS.escape(group)}"] input:checked`);
    const metrics = data.groups[group].metrics;
    return metrics.find((metric) => input && metric.name === input.value) || metrics[0];
  }
  for (const node of document.querySelectorAll(".plot")) {
    const group = node.dataset.of;
    // "heat:1" is the second of the group's heat maps.
    const [kind, part] = node.dataset.figure.split(":");
    const of = data.groups[group];
    figures.push({ node, group, drawn: false, draw() {
      this.drawn = true;
      const [traces, plan] = DRAW[kind](theme(), of, of && chosen(group), Number(part || 0), node.clientWidth);
      return Plotly.react(node, traces, plan, config);
    } });
  }
  const redraw = (every) => figures.filter((figure) => every || figure.drawn).forEach((figure) => figure.draw());
  // Far-away figures wait until they are near: a page of thirty stays quick on a phone.
  const watcher = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting)
    .forEach((entry) => { watcher.unobserve(entry.target); figures.find((f) => f.node === entry.target).draw(); }),
    { rootMargin: "900px" });
  figures.forEach((figure) => watcher.observe(figure.node));
  document.addEventListener("change", (event) => {
    const set = event.target.closest("[data-group]");
    if (set) figures.filter((figure) => figure.group === set.dataset.group).forEach((figure) => figure.draw());
  });
  dark.addEventListener("change", () => redraw(false));
  addEventListener("beforeprint", () => {
    printing = true;
    redraw(true);
  });
  addEventListener("afterprint", () => {
    printing = false;
    redraw(false);
  });
})();
"""

SCRIPT = _FIGURES + TREND_FIGURES + REGION_FIGURES + LOAD_FIGURES + _DRAWING
