// Draws loads: latency by percentile, throughput over time, failures by kind.
(() => {
  "use strict";
  const { DASH, faint, safe, three, layout, axis } = isotherm;

  const runColour = (look, run) => look.colours[run.colour % look.colours.length];
  // 1 / (1 - q), a step for each nine.
  const NINES = [[1, "0"], [2, "50"], [10, "90"], [100, "99"], [1e3, "99.9"], [1e4, "99.99"], [1e5, "99.999"],
    [1e6, "99.9999"]];
  const POWERS = [0.001, 0.01, 0.1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6];
  const decades = (low, high) => [0.5, 1, 2, 5].flatMap((digit) => POWERS.map((power) => digit * power))
    .sort((a, b) => a - b).filter((value, index, all) => value !== all[index - 1] && value >= low && value <= high);
  // Marks of a logarithmic axis: the powers of ten, or also their doubles and halves where there are few of these.
  const marks = (low, high) => {
    const whole = POWERS.filter((value) => value >= low && value <= high);
    return whole.length > 2 ? whole : decades(low, high);
  };
  const short = (value) => (value >= 1e6 ? `${value / 1e6}M` : value >= 1e4 ? `${value / 1e3}k`
    : value.toLocaleString("en"));
  const logarithmic = (look, title, low, high, more) => {
    const ticks = marks(low, high);
    return axis(look, title, { type: "log", range: [Math.log10(low), Math.log10(high)], tickvals: ticks,
      ticktext: ticks.map(short), zeroline: false, ...more });
  };

  function percentiles(look, group, metric, _part, width) {
    const shown = group.runs.filter((run) => run.curves[metric.name]);
    const every = shown.flatMap((run) => run.curves[metric.name]);
    const rarest = Math.max(10, ...every.map((point) => point[0]));
    const values = every.map((point) => point[1]).filter((value) => value);
    const traces = shown.map((run) => {
      const points = run.curves[metric.name];
      return {
        type: "scatter", mode: "lines", name: safe(run.name), x: points.map((p) => p[0]), y: points.map((p) => p[1]),
        line: { color: runColour(look, run), width: 2.2, dash: DASH[run.dash % DASH.length] },
        text: points.map((p, i) => `${safe(run.name)}: ` + (i === points.length - 1
          ? `the slowest of ${Math.round(p[0]).toLocaleString("en")} took ${three(p[1])} ms`
          : `${(100 - 100 / p[0]).toPrecision(5).replace(/\.?0+$/, "")} % within ${three(p[1])} ms`)),
        hovertemplate: "%{text}<extra></extra>",
      };
    });
    const nines = NINES.filter(([rank]) => rank <= rarest * 1.2);
    const row = width < 560 ? 22 : 0;
    return [traces, layout(look, 390 + row * shown.length, {
      showlegend: true, margin: { l: 8, r: 22, t: 34 + row * shown.length, b: 46 },
      legend: { orientation: row ? "v" : "h", x: 0, y: 1.02, yanchor: "bottom", font: { color: look.ink } },
      xaxis: axis(look, "Share of the requests, %", { type: "log", range: [0, Math.log10(rarest) * 1.02],
        tickvals: nines.map(([rank]) => rank), ticktext: nines.map(([, text]) => text), zeroline: false }),
      yaxis: logarithmic(look, "Latency, ms", Math.min(...values) / 1.3, Math.max(...values) * 1.3),
    })];
  }

  function pulse(look, group, _metric, part) {
    const run = group.runs[part];
    const time = run.time;
    const end = Math.max(1, ...time.phases.map((phase) => phase.to));
    const rates = group.runs.flatMap((other) => other.time.phases.map((phase) => phase.per_s)).filter((rate) => rate);
    const high = Math.max(group.most_per_s, ...rates) * 1.25;
    // Where what was loaded differs widely, the slowest would lie on the ground of a linear axis.
    const tops = group.runs.map((other) => Math.max(0, ...other.time.phases.map((phase) => phase.per_s || 0)))
      .filter((rate) => rate);
    const wide = Math.max(...tops) > 5 * Math.min(...tops);
    const ground = wide ? Math.max(Math.min(group.least_per_s, ...rates) / 1.6, high / 1e6) : 0;
    const colour = runColour(look, run);
    const dots = time.at.length < 90 ? "lines+markers" : "lines";
    // The first second of a phase is not a whole one: that nothing ended in it says nothing.
    const still = time.at.filter((at, i) => at !== null && i > 0 && time.at[i - 1] !== null && !time.succeeded[i]);
    const failing = time.failed.some((value) => value);
    const [first, second, third] = time.latency;
    const tint = [1, 0.72, 0.5];
    const dash = ["solid", "7px,3px", "2px,2px"];
    const traces = [{
      type: "scatter", mode: dots, x: time.at, y: time.succeeded.map((value) => (wide && !value ? null : value)),
      line: { color: colour, width: 2 }, marker: { color: colour, size: 5 }, showlegend: false,
      hovertemplate: "%{y:,} succeeded a second<extra></extra>",
    }, ...time.phases.map((phase) => ({
      type: "scatter", mode: "lines", x: [phase.from, phase.to], y: [phase.per_s, phase.per_s], showlegend: false,
      line: { color: look.soft, width: 1.4, dash: "6px,3px" },
      hovertemplate: `${safe(phase.name)}: ${three(phase.per_s || 0)} requests/s<extra></extra>`,
    })), {
      type: "scatter", mode: "markers", x: still, y: still.map(() => (wide ? ground * 1.02 : 0)), cliponaxis: false,
      marker: { symbol: "x", size: 6, color: look.bad }, showlegend: false,
      hovertemplate: "nothing succeeded in this second<extra></extra>",
    }, ...(failing ? [{
      type: "bar", x: time.at, y: time.failed.map((value) => value || null), name: "failed", showlegend: false,
      marker: { color: faint(look.bad, 0.75) }, hovertemplate: "%{y:,} failed a second<extra></extra>",
    }] : []), ...[third, second, first].map((line, index) => ({
      type: "scatter", mode: dots, name: line.name, x: time.at, y: line.y, yaxis: "y2", legendrank: 9 - index,
      line: { color: faint(colour, tint[2 - index]), width: index === 2 ? 2.2 : 1.6, dash: dash[2 - index] },
      marker: { color: faint(colour, tint[2 - index]), size: 4 },
      hovertemplate: `${line.name} %{y:,} ms<extra></extra>`,
    }))];
    const phases = time.phases.slice(1).map((phase) => ({ type: "line", xref: "x", yref: "paper", x0: phase.from,
      x1: phase.from, y0: 0, y1: 1, line: { color: look.soft, width: 1, dash: "dot" } }));
    // Short phases lie close together: their names go to different heights.
    const names = time.phases.map((phase, index) => ({ text: safe(phase.name), showarrow: false, xref: "x",
      yref: "paper", x: (phase.from + phase.to) / 2, y: 1, yanchor: "bottom", yshift: 2 + 12 * (index % 2),
      font: { color: look.soft, size: 11 } }));
    return [traces, layout(look, 430, {
      title: { text: safe(run.name), x: 0.01, xanchor: "left", y: 0.985, yanchor: "top",
        font: { size: 14, color: look.ink } },
      showlegend: true, legend: { orientation: "h", x: 0, y: -0.17, yanchor: "top", font: { color: look.soft } },
      margin: { l: 8, r: 12, t: 58, b: 70 }, shapes: phases, annotations: names, barmode: "overlay",
      xaxis: axis(look, "seconds of the load", { range: [0, end * 1.01], anchor: "y2",
        zeroline: false, nticks: 6 }),
      yaxis: wide ? logarithmic(look, "requests/s", ground, high, { domain: [0.54, 1] })
        : axis(look, "requests/s", { range: [0, high], domain: [0.54, 1] }),
      yaxis2: logarithmic(look, "Latency, ms", group.least_ms / 1.3, group.most_ms * 1.3, { domain: [0, 0.46] }),
    })];
  }

  function kinds(look, group, _metric, _part, width) {
    const shown = group.runs.filter((run) => run.failed.some((number) => number));
    const at = shown.map((_, index) => shown.length - 1 - index);
    const traces = group.kinds.map((kind, index) => ({
      type: "bar", orientation: "h", name: safe(kind), y: at, x: shown.map((run) => run.failed[index]), width: 0.5,
      marker: { color: faint(look.colours[(index + 1) % look.colours.length], 0.85) },
      hovertemplate: `%{x:,} requests: ${safe(kind)}<extra></extra>`,
    }));
    const rows = width < 560 ? group.kinds.length : Math.ceil(group.kinds.length / 4);
    return [traces, layout(look, 70 + 20 * rows + 44 * shown.length, {
      barmode: "stack", showlegend: true, margin: { l: 8, r: 14, t: 14 + 20 * rows, b: 44 },
      legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", font: { color: look.ink }, traceorder: "normal" },
      xaxis: axis(look, "Requests", { rangemode: "tozero" }),
      yaxis: axis(look, "", { tickvals: at, ticktext: shown.map((run) => safe(run.name)), showgrid: false,
        range: [-0.7, shown.length - 0.4], zeroline: false, tickfont: { color: look.ink, size: 12.5 } }),
    })];
  }

  Object.assign(isotherm.draw, { percentiles, pulse, kinds });
})();
