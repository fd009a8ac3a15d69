// Draws what lies between regions: heat maps, distance, clients, and the stages of calls over HTTP.
(() => {
  "use strict";
  const { DASH, SHAPE, faint, safe, three, ends, layout, axis } = isotherm;

  // From few to many milliseconds, one hue: dark is much on paper, light is much at night.
  const RAMP = {
    light: ["#eff5fa", "#c3dcec", "#86bbd8", "#4a90c2", "#2565a3", "#123c73"],
    dark: ["#1f2a38", "#21486a", "#2a6d9c", "#4b98c6", "#84c1e4", "#c9e8fb"],
  };

  function heat(look, group, metric, part, width) {
    const map = group.maps[part];
    const values = map.values[metric.name];
    const ramp = look.night ? RAMP.dark : RAMP.light;
    const every = group.maps.flatMap((one) => (one.values[metric.name] || []).flat()).filter((cell) => cell)
      .map((cell) => cell[0]);
    const [low, high] = [Math.min(...every), Math.max(...every)];
    const rows = group.from.length, columns = group.to.length;
    const narrow = width < 460;
    const left = 14 + Math.max(...group.from.map((place) => (narrow ? 6.4 * place.name.length
      : Math.max(7.2 * place.name.length, 5.8 * place.code.length))));
    const room = (width - left - 10) / columns;
    const level = room >= 58;
    const head = (place) => (level ? safe(place.name).replaceAll(" ", "<br>") : safe(place.name));
    const sized = (text) => `<span style="font-size:${narrow ? 11 : 12}px">${text}</span>`;
    const tick = (place) => (narrow || place.name === place.code ? safe(place.name)
      : `${safe(place.name)}<br><span style="font-size:10px">${safe(place.code)}</span>`);
    const full = (place) => safe(place.name === place.code ? place.code : `${place.name} (${place.code})`);
    const cells = [], gaps = [];
    group.from.forEach((from, y) => group.to.forEach((to, x) => {
      const cell = values && values[y][x];
      const way = `${safe(group.outer)} in ${full(from)}<br>to ${safe(map.inner)} in ${full(to)}`;
      if (cell) cells.push({ x, y, cell, way });
      else if (map.missing[y][x] && values) {
        gaps.push({ x, y, why: `${way}<br>missing: ${wrapped(map.missing[y][x])}` });
      }
    }));
    const shade = (value) => (high > low ? (value - low) / (high - low) : 0);
    const traces = [{
      type: "heatmap",
      z: group.from.map((_, y) => group.to.map((__, x) => (values && values[y][x] ? values[y][x][0] : null))),
      zmin: low, zmax: high > low ? high : low + 1, showscale: false, xgap: 2, ygap: 2, hoverinfo: "skip",
      colorscale: ramp.map((colour, index) => [index / (ramp.length - 1), colour]),
    }, {
      type: "scatter", mode: room < 25 ? "markers" : "text", x: cells.map((c) => c.x), y: cells.map((c) => c.y),
      marker: { size: 12, opacity: 0 }, text: cells.map((c) => three(c.cell[0])),
      textfont: { size: room < 34 ? 9.5 : room < 46 ? 11 : 13,
        color: cells.map((c) => (look.night ? (shade(c.cell[0]) > 0.55 ? "#0c1219" : "#e8ecf3")
          : (shade(c.cell[0]) > 0.5 ? "#ffffff" : "#1b2230"))) },
      customdata: cells.map((c) => `${c.way}<br>${metric.label}: ${three(c.cell[0])} ${metric.unit} ` +
        `(median of ${c.cell[3]})` + ends(c.cell[1], c.cell[2], metric.unit)),
      hovertemplate: "%{customdata}<extra></extra>",
    }, {
      type: "scatter", mode: "markers", x: gaps.map((g) => g.x), y: gaps.map((g) => g.y),
      marker: { symbol: "x-thin-open", size: 11, color: look.bad, line: { width: 1.6, color: look.bad } },
      customdata: gaps.map((g) => g.why), hovertemplate: "%{customdata}<extra></extra>",
    }];
    // A region's calls to itself: what is left where there is no distance.
    const home = group.from.flatMap((from, y) => group.to.map((to, x) => [from, to, x, y]))
      .filter(([from, to]) => from.code === to.code).map(([, , x, y]) => ({ type: "rect", x0: x - 0.47, x1: x + 0.47,
        y0: y - 0.46, y1: y + 0.46, line: { color: look.soft, width: 1.4, dash: "dot" } }));
    const lost = gaps.map((g) => ({ type: "rect", layer: "below", x0: g.x - 0.48, x1: g.x + 0.48, y0: g.y - 0.47,
      y1: g.y + 0.47, line: { width: 0 }, fillcolor: look.grid }));
    const height = Math.max(26, Math.min(52, 360 / rows + 8));
    const top = level ? 44 : 24 + 5.4 * Math.max(...group.to.map((place) => place.name.length));
    const places = (at, texts) => ({ tickvals: at.map((_, index) => index), ticktext: texts.map(sized),
      automargin: false, showgrid: false, zeroline: false, tickfont: { color: look.ink, size: narrow ? 11 : 12 } });
    return [traces, layout(look, top + 12 + rows * height, {
      margin: { l: left, r: level ? 10 : 26, t: top, b: 8 }, shapes: [...lost, ...home],
      annotations: values ? [] : [{ text: `${safe(map.inner)} has no database`, showarrow: false, xref: "paper",
        yref: "paper", x: 0.5, y: 0.5, font: { color: look.soft, size: 14 } }],
      xaxis: axis(look, "", { ...places(group.to, group.to.map(head)), side: "top", tickangle: level ? 0 : -55,
        range: [-0.5, columns - 0.5] }),
      yaxis: axis(look, "", { ...places(group.from, group.from.map(tick)), range: [rows - 0.5, -0.5] }),
    })];
  }
  // Plotly's hover boxes do not wrap by themselves.
  const wrapped = (text) => safe(text).replace(/(.{42,60}?) /g, "$1<br>");

  function distance(look, group, metric, part) {
    const map = group.maps[part];
    const traces = map.lines[metric.name].flatMap((line, index) => {
      const colour = look.colours[index];
      const points = map.points.filter((point) => point[metric.name][index] !== null);
      const found = [{
        type: "scatter", mode: "markers", name: safe(line.name), x: points.map((p) => p.x),
        y: points.map((p) => p[metric.name][index]),
        marker: { color: faint(colour, 0.75), size: 8, symbol: SHAPE[index] },
        text: points.map((p) => `${safe(p.way)}<br>network ${three(p.x)} ms, ${safe(line.name)} ` +
          `${three(p[metric.name][index])} ms`),
        hovertemplate: "%{text}<extra></extra>",
      }];
      if (line.slope !== null) {
        const across = [Math.min(...points.map((p) => p.x)), Math.max(...points.map((p) => p.x))];
        found.push({ type: "scatter", mode: "lines", showlegend: false, hoverinfo: "skip", x: across,
          y: across.map((x) => line.intercept + line.slope * x),
          line: { color: colour, width: 1.8, dash: DASH[index] } });
      }
      return found;
    });
    return [traces, layout(look, 330, {
      showlegend: true, margin: { l: 8, r: 14, t: 34, b: 46 },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { color: look.ink } },
      xaxis: axis(look, "Network, ms (median of the pair)", { rangemode: "tozero" }),
      yaxis: axis(look, `${metric.label}, ms (mean of the pair)`, { rangemode: "tozero" }),
    })];
  }

  function dots(look, group) {
    const rows = group.rows.filter((row) => row.mid !== null);
    const at = rows.map((_, index) => rows.length - 1 - index);
    const bar = (row, end) => (row.low === null || row.high === null ? 0 : Math.abs(row[end] - row.mid));
    const traces = [{
      type: "scatter", mode: "markers", x: rows.map((row) => row.mid), y: at,
      marker: { size: 9, symbol: rows.map((row) => (row.baseline ? "diamond" : "circle")),
        color: rows.map((row) => (row.baseline ? look.ink : look.colours[0])) },
      error_x: { type: "data", symmetric: false, array: rows.map((row) => bar(row, "high")),
        arrayminus: rows.map((row) => bar(row, "low")), color: look.soft, thickness: 2, width: 5 },
      text: rows.map((row) => `${safe(row.name)}: ${three(row.mid)} ms (${row.of})` +
        ends(row.low, row.high, "ms")),
      hovertemplate: "%{text}<extra></extra>",
    }];
    return [traces, layout(look, 62 + 30 * rows.length, {
      xaxis: axis(look, group.title, { rangemode: "tozero", nticks: 6 }),
      yaxis: axis(look, "", { tickvals: at, ticktext: rows.map((row) => safe(row.name)), showgrid: true,
        range: [-0.6, rows.length - 0.4], zeroline: false, tickfont: { color: look.ink, size: 12.5 } }),
    })];
  }

  function stages(look, group, _metric, _part, width) {
    const at = group.rows.map((_, index) => group.rows.length - 1 - index);
    const [blue, red, green, violet, orange, slate] = look.colours;
    const colours = { dns: orange, connect: violet, tls: red, wait: blue, work: green, body: slate };
    const traces = group.stages.map((stage) => ({
      type: "bar", orientation: "h", name: stage.label, y: at, x: group.rows.map((row) => row[stage.name]), width: 0.52,
      marker: { color: faint(colours[stage.name], 0.85) },
      text: group.rows.map((row) => `${safe(row.name)}<br>${stage.label}: ${three(row[stage.name])} ms of ` +
        `${three(row.total)} ms<br>means of ${row.calls}`),
      textposition: "none", hovertemplate: "%{text}<extra></extra>",
    }));
    traces.push({
      type: "bar", orientation: "h", name: "Billed", base: 0, y: at.map((y) => y - 0.36), width: 0.12, offset: -0.06,
      x: group.rows.map((row) => row.billed), marker: { color: look.ink },
      text: group.rows.map((row) => `${safe(row.name)}<br>billed: ${three(row.billed)} ms`), textposition: "none",
      hovertemplate: "%{text}<extra></extra>",
    });
    return [traces, layout(look, 120 + 44 * group.rows.length + (width < 560 ? 40 : 0), {
      barmode: "stack", showlegend: true, margin: { l: 8, r: 14, t: width < 560 ? 84 : 40, b: 44 },
      legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", font: { color: look.ink }, traceorder: "normal" },
      xaxis: axis(look, "Mean time, ms", { rangemode: "tozero" }),
      yaxis: axis(look, "", { tickvals: at, ticktext: group.rows.map((row) => safe(width < 560 ? row.brief : row.name)),
        range: [-0.7, group.rows.length - 0.4], showgrid: false, zeroline: false,
        tickfont: { color: look.ink, size: 12 } }),
    })];
  }

  Object.assign(isotherm.draw, { heat, distance, dots, stages });
})();
