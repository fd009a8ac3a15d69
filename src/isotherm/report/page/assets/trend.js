// Draws sessions: over time, and by hour of the day.
(() => {
  "use strict";
  const { data, DASH, SHAPE, colourOf, faint, safe, layout, axis } = isotherm;

  const SESSIONS_NAMED = 12;
  const told = (value, low, high, unit) => `${value} ${unit}` +
    (low !== null && high !== null ? `<br>${data.confidence} interval ${low} to ${high}` : "");
  const bars = (points, colour, at) => ({ type: "data", symmetric: false, color: colour, thickness: 1.4, width: 3,
    array: points.map((p) => (p[at + 2] === null ? 0 : p[at + 2] - p[at])),
    arrayminus: points.map((p) => (p[at + 1] === null ? 0 : p[at] - p[at + 1])) });
  const named = (look, rows) => ({
    showlegend: rows.length > 1 && rows.length <= SESSIONS_NAMED, margin: { l: 8, r: 14, t: 34, b: 46 },
    legend: { orientation: "h", x: 0, y: 1.03, yanchor: "bottom", font: { color: look.ink } },
  });

  function overTime(look, group, metric) {
    const rows = group.rows.filter((row) => row.metrics[metric.name]);
    const traces = rows.map((row, index) => {
      const points = row.metrics[metric.name].points;
      const colour = colourOf(look, row.target);
      return {
        type: "scatter", mode: "lines+markers", name: safe(row.target), x: points.map((p) => group.starts[p[0]]),
        y: points.map((p) => p[1]), line: { color: faint(colour, 0.55), width: 1.6, dash: DASH[index % DASH.length] },
        marker: { color: colour, size: 7, symbol: SHAPE[index % SHAPE.length] }, error_y: bars(points, colour, 1),
        text: points.map((p) => `${safe(row.target)}, session ${p[0] + 1}, median of ${p[4]}: ` +
          told(p[1], p[2], p[3], metric.unit)),
        hovertemplate: "%{text}<br>%{x} UTC<extra></extra>",
      };
    });
    const used = new Set(rows.flatMap((row) => row.metrics[metric.name].points.map((p) => p[0])));
    const shapes = group.changes.filter((session) => used.has(session)).map((session) => ({ type: "line", xref: "x",
      yref: "paper", x0: group.starts[session], x1: group.starts[session], y0: 0, y1: 1,
      line: { color: look.soft, width: 1.2, dash: "dot" } }));
    return [traces, layout(look, 330, { ...named(look, rows), shapes,
      xaxis: axis(look, "Start of the session, UTC", { type: "date", nticks: 7, tickangle: 0 }),
      yaxis: axis(look, `${metric.label}, ${metric.unit}`, { rangemode: "tozero" }),
    })];
  }

  function byHour(look, group, metric) {
    const rows = group.rows.filter((row) => row.metrics[metric.name]);
    const zone = document.querySelector(`[data-group="${CSS.escape(group.id)}"][data-zone] input:checked`);
    const place = zone ? Number(zone.value) : 0;
    // As a share of each target's own mean, so that fast and slow ones can be seen in one figure.
    const shares = rows.every((row) => row.metrics[metric.name].middle > 0);
    const traces = [];
    rows.forEach((row, index) => {
      const of = row.metrics[metric.name];
      const colour = colourOf(look, row.target);
      const share = (value) => (value === null || !shares ? value : 100 * (value / of.middle - 1));
      // Targets of one hour stand side by side in it, each session a dot.
      const at = (hour) => hour + 0.5 + 0.72 * ((index + 0.5) / rows.length - 0.5);
      const hours = of.hours[place];
      traces.push({
        type: "scatter", mode: "markers", showlegend: false, y: of.points.map((p) => share(p[1])),
        x: of.points.map((p) => at(group.hours[place][p[0]])), marker: { color: faint(colour, 0.45), size: 5 },
        text: of.points.map((p) => `${safe(row.target)}, session ${p[0] + 1}: ${p[1]} ${metric.unit}`),
        hovertemplate: "%{text}<extra></extra>",
      }, {
        type: "scatter", mode: "markers", name: safe(row.target), x: hours.map((h) => at(h[0])),
        y: hours.map((h) => share(h[2])),
        error_y: bars(hours.map((h) => h.map((value, i) => (i < 2 ? value : share(value)))), colour, 2),
        marker: { color: colour, size: 8, symbol: SHAPE[index % SHAPE.length] },
        text: hours.map((h) => `${safe(row.target)}, ${String(h[0]).padStart(2, "0")}:00, ` +
          `${h[1]} session${h[1] === 1 ? "" : "s"}: ` + told(h[2], h[3], h[4], metric.unit)),
        hovertemplate: "%{text}<extra></extra>",
      });
    });
    const title = shares ? `${metric.label}, % from the mean` : `${metric.label}, ${metric.unit}`;
    return [traces, layout(look, 330, { ...named(look, rows),
      xaxis: axis(look, `Hour in which the session began, ${group.zones[place]}`, { range: [0, 24], zeroline: false,
        tickvals: [0, 3, 6, 9, 12, 15, 18, 21, 24] }),
      yaxis: axis(look, title, shares ? { zeroline: true, zerolinecolor: look.soft, ticksuffix: " %" } : {}),
    })];
  }

  Object.assign(isotherm.draw, { time: overTime, hours: byHour });
})();
