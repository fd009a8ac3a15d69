// What every figure is drawn with: the page's numbers, colours, axes and the spelling of numbers. Comes first of the
// scripts, makes the one name that they share, and knows no kind of figure.
const isotherm = (() => {
  "use strict";
  const data = JSON.parse(document.getElementById("figure-data").textContent);
  const INK = {
    light: ["#0b6fb8", "#d1495b", "#1f8a63", "#7d4fc0", "#b86e00", "#51606f", "#ad2f77", "#47791f"],
    dark: ["#5ab4f0", "#ff8595", "#58c79d", "#bfa2f5", "#f0ad48", "#a9b6c2", "#f28ac6", "#97d36f"],
  };
  const DASH = ["solid", "7px,3px", "2px,2px", "9px,3px,2px,3px", "4px,2px", "12px,4px"];
  const SHAPE = ["circle", "diamond", "square", "triangle-up", "cross", "star", "x", "hexagon"];

  const theme = (night) => ({
    night, colours: night ? INK.dark : INK.light, bad: night ? "#ff8595" : "#b3263a",
    ink: night ? "#e8ecf3" : "#1b2230", soft: night ? "#a3adbd" : "#566072",
    grid: night ? "#2b3441" : "#e9ebef", card: night ? "#191f29" : "#ffffff",
  });
  const colourOf = (look, target) => look.colours[data.targets.indexOf(target) % look.colours.length];
  const faint = (colour, alpha) =>
    `rgba(${[1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)).join(",")},${alpha})`;
  const safe = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  // Three digits, at most two of them decimals, as the tables have it.
  const three = (value) => {
    const rounded = Number(Number(value).toPrecision(3));
    const places = rounded ? Math.min(Math.max(2 - Math.floor(Math.log10(Math.abs(rounded))), 0), 2) : 0;
    return rounded.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });
  };
  const ends = (low, high, unit) => (low !== null && high !== null
    ? `<br>${data.confidence} interval ${three(low)} to ${three(high)} ${unit}` : "<br>too few for an interval");

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

  // The other scripts put their kinds of figures here, by the name that the page has for each: functions that make a
  // figure's traces and layout of the theme, the group's data, the metric chosen, the part of the group and the width.
  const draw = {};

  return { data, draw, DASH, SHAPE, theme, colourOf, faint, safe, three, ends, layout, axis };
})();
