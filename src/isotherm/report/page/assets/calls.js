// Draws calls and their starts: each call by target, shares of calls within a time, start-up against size and imports.
(() => {
  "use strict";
  const { data, DASH, SHAPE, colourOf, faint, safe, layout, axis } = isotherm;

  // Jitter that is the same on every visit: a golden-ratio sequence spreads neighbours evenly.
  const jitter = (index) => ((index * 0.6180339887) % 1) - 0.5;

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
          (bounded ? `<br>${d.these ? "in these rounds" : `${data.confidence} interval`} ${d.low} to ${d.high}`
            : "<br>too few for an interval") +
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

  Object.assign(isotherm.draw, {
    box: boxes,
    ecdf: shares,
    size: (look) => against(look, "megabytes", "Package archive, MB", { key: "start", title: "Start-up, ms" }),
    imports: (look) => against(look, "imports", "Imports, ms", { key: "start", title: "Start-up, ms" }),
    overhead: (look) => against(look, "megabytes", "Package archive, MB", { key: "overhead", title: "Overhead, ms" }),
  });
})();
