"""The page's style sheet: one column on a phone, light and dark by the reader's choice, black on white in print."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf8; --card: #ffffff; --ink: #1b2230; --soft: #566072; --line: #dfe2e8; --hair: #eceef2;
  --accent: #0b6fb8; --warn-ink: #6b4300; --warn: #fff4dc; --warn-line: #e5b95c;
  --bad-ink: #7d1020; --bad: #fdeaec; --bad-line: #d1495b; --note: #eaf3fb; --note-line: #7fb2dc; --note-ink: #12436b;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #12161d; --card: #191f29; --ink: #e8ecf3; --soft: #a3adbd; --line: #323b49; --hair: #262e3a;
    --accent: #6cbcf5; --warn-ink: #f5d99b; --warn: #2e2614; --warn-line: #8a6a22;
    --bad-ink: #ffc4cb; --bad: #331a1f; --bad-line: #a83a4b; --note: #16283a; --note-line: #37658c; --note-ink: #bfe0fb;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; }
.band { height: 6px; background: linear-gradient(90deg, #2b5cc4, #2aa1c9 25%, #5fbf8f 45%, #f2c14e 68%, #e8743b 84%,
  #c8333f); }
.wrap { max-width: 1180px; margin: 0 auto; padding: 0 24px 64px; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 16px; top: 12px; background: var(--card); padding: 8px 14px; z-index: 9; border-radius: 6px; }
header { padding: 30px 0 8px; }
.kicker { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; color: var(--soft); font-size: .9rem; }
.kicker b { color: var(--ink); letter-spacing: .02em; }
.badge { border: 1px solid var(--note-line); color: var(--note-ink); background: var(--note); border-radius: 99px;
  padding: 1px 11px; font-size: .82rem; }
h1 { font-size: clamp(1.4rem, 1.1rem + 1.4vw, 2.05rem); line-height: 1.22; letter-spacing: -.015em;
  margin: 14px 0 18px;
  max-width: 56rem; text-wrap: balance; font-weight: 680; }
h2 { font-size: 1.35rem; letter-spacing: -.01em; margin: 54px 0 6px; padding-top: 18px;
  border-top: 1px solid var(--line); }
h3 { font-size: 1.06rem; margin: 0 0 4px; }
p { margin: 6px 0 12px; max-width: 75ch; }
.lead { color: var(--soft); }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 1px; background: var(--card);
  border: 1px solid var(--line); border-radius: 12px; overflow: hidden; margin: 22px 0 0; }
.facts div { outline: 1px solid var(--line); padding: 12px 16px; }
.facts dt { color: var(--soft); font-size: .82rem; }
.facts dd { margin: 0; font-size: 1.28rem; font-weight: 640; font-variant-numeric: tabular-nums; }
.facts dd small { display: block; font-size: .82rem; font-weight: 400; color: var(--soft); }
.notices { margin: 20px 0 0; padding: 12px 18px; background: var(--warn); border: 1px solid var(--warn-line);
  color: var(--warn-ink); border-radius: 12px; }
.notices.bad { background: var(--bad); border-color: var(--bad-line); color: var(--bad-ink); }
.notices h2 { font-size: 1rem; border: 0; margin: 0; padding: 0; }
.notices ul { margin: 4px 0 0; padding-left: 1.2em; }
.notices li { margin: 2px 0; max-width: 95ch; overflow-wrap: anywhere; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px 12px;
  margin: 18px 0; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 20px; }
.three { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 8px 20px; }
.pair > *, .three > * { min-width: 0; }
figure { margin: 0; }
figcaption { color: var(--soft); font-size: .86rem; margin: 8px 0 0; }
.plot { width: 100%; min-height: 120px; }
fieldset { border: 0; padding: 0; margin: 2px 0 4px; display: flex; flex-wrap: wrap; gap: 6px; }
legend { float: left; padding: 3px 6px 0 0; color: var(--soft); font-size: .88rem; }
fieldset label { position: relative; cursor: pointer; }
fieldset input { position: absolute; opacity: 0; width: 100%; height: 100%; margin: 0; cursor: pointer; }
fieldset span { display: block; padding: 2px 12px; border: 1px solid var(--line); border-radius: 99px;
  font-size: .88rem; }
fieldset input:checked + span { background: var(--accent); border-color: var(--accent); color: var(--card);
  font-weight: 600; }
fieldset input:focus-visible + span { outline: 3px solid var(--accent); outline-offset: 2px; }
.scroll { overflow-x: auto; margin: 10px 0 4px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); font-size: .86rem; padding: 0 0 6px; }
caption span { position: sticky; left: 0; display: inline-block; max-width: min(100%, 1080px, calc(100vw - 56px)); }
th, td { padding: 6px 10px; border-bottom: 1px solid var(--hair); text-align: left; vertical-align: top; }
thead th { border-bottom: 1px solid var(--line); color: var(--soft); font-weight: 600; vertical-align: bottom;
  white-space: nowrap; }
thead th small { font-weight: 400; display: block; }
tbody th { font-weight: 600; position: sticky; left: 0; background: var(--card); white-space: nowrap; }
.wraps th { white-space: normal !important; }
td { white-space: nowrap; }
td.n, th.n { text-align: right; }
.whole { white-space: nowrap; }
td small { color: var(--soft); display: block; font-size: .92em; }
tr.sum th, tr.sum td { border-top: 1px solid var(--line); font-weight: 650; }
td.wide { min-width: 24em; white-space: normal; overflow-wrap: anywhere; }
.tall { max-height: min(78vh, 900px); overflow: auto; overscroll-behavior: auto; }
.tall thead th { position: sticky; top: 0; background: var(--card); z-index: 2; white-space: normal; }
.tall th, .tall td { padding: 5px 8px; }
.tall thead th:first-child { left: 0; z-index: 3; }
tr.group th { padding-top: 16px; border-bottom: 1px solid var(--line); }
tr.group span, td.gap span { position: sticky; left: 10px; display: inline-block; }
tr.group small { color: var(--soft); font-weight: 400; }
tbody th small { display: block; color: var(--soft); font-weight: 400; font-size: .86em; }
tr.group th small { display: inline; margin-left: 6px; }
td.gap { color: var(--bad-ink); white-space: normal; }
.finding p { font-size: 1.05rem; max-width: 68ch; margin: 4px 0 12px; text-wrap: pretty; }
.line { font-size: .86rem; color: var(--soft); margin: 8px 0 4px; max-width: none; overflow-wrap: anywhere; }
details { margin: 8px 0; }
summary { cursor: pointer; color: var(--accent); font-size: .92rem; padding: 4px 0; }
dl.settings { display: grid; grid-template-columns: minmax(9em, max-content) 1fr; gap: 0; margin: 8px 0;
  font-size: .92rem; }
dl.settings dt, dl.settings dd { padding: 5px 0; border-bottom: 1px solid var(--hair); margin: 0; }
dl.settings dt { color: var(--soft); padding-right: 22px; }
dl.settings dd { overflow-wrap: anywhere; }
code { font: .88em ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
footer { color: var(--soft); font-size: .86rem; margin-top: 46px; border-top: 1px solid var(--line);
  padding-top: 14px; }
@media (max-width: 820px) { .pair { grid-template-columns: 1fr; } }
@media (max-width: 560px) {
  .wrap { padding: 0 14px 40px; }
  header { padding-top: 20px; }
  .card { padding: 14px 12px 8px; border-radius: 10px; }
  .facts { grid-template-columns: 1fr 1fr; }
  .facts dd { font-size: 1.1rem; }
  th, td { padding: 6px 8px; }
  dl.settings { grid-template-columns: 1fr; }
  dl.settings dt { border: 0; padding: 8px 0 0; font-size: .86rem; }
  dl.settings dd { padding-top: 0; }
}
@media print {
  :root { --paper: #fff; --card: #fff; }
  body { font-size: 10pt; }
  .wrap { max-width: none; padding: 0; }
  .skip, fieldset, details:not([open]) { display: none; }
  .card, figure, tr, .notices, .facts { break-inside: avoid; }
  .card { border: 0; padding: 0; }
  h2, h3 { break-after: avoid; }
  h2 { margin-top: 26px; }
  .scroll, .tall { overflow: visible; max-height: none; }
  .tall thead th { position: static; }
  table { font-size: 7.6pt; }
  th, td { padding: 3px 4px; white-space: normal !important; }
  td:nth-child(2):not(.wide) { white-space: nowrap !important; }
  td.wide { min-width: 0; }
  tbody th { position: static; }
  .band { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
