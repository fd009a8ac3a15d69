// Has the figures drawn: each when it comes near, and again when the reader chooses another metric or theme, or prints.
// Comes last of the scripts, when every kind of figure is there.
(() => {
  "use strict";
  const { data, draw, theme } = isotherm;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let printing = false;

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
      const look = theme(dark.matches && !printing);
      const [traces, plan] = draw[kind](look, of, of && chosen(group), Number(part || 0), node.clientWidth);
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
