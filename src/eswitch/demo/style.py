"""How the page looks: light and dark, on a wide screen and on a phone."""

STYLE = """
:root {
  --paper: #fbfaf7; --ink: #1d2329; --soft-ink: #5b6570; --rule: #dfe2e0;
  --panel: #ffffff; --well: #f3f4f1; --hard: #0b7a5c; --hard-fill: #d7efe6;
  --soft: #b45309; --soft-fill: #f6c177; --bad: #b3261e; --accent: #0b6a8f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181c; --ink: #e4e8ea; --soft-ink: #98a3ad; --rule: #2d343b;
    --panel: #1b2127; --well: #10141a; --hard: #4cc9a0; --hard-fill: #173b31;
    --soft: #f0a04b; --soft-fill: #a8642a; --bad: #ff8a80; --accent: #6cc4ea;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  -webkit-text-size-adjust: 100%;
}
main { max-width: 57rem; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; }
h1 { font-size: clamp(1.7rem, 5.5vw, 2.5rem); line-height: 1.15; margin: 0 0 1rem;
  letter-spacing: -0.02em; text-wrap: balance; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 0 0 .5rem; }
p { margin: 0 0 .9rem; max-width: 44rem; text-wrap: pretty; }
section { margin-top: 2.6rem; padding-top: 1.6rem; border-top: 1px solid var(--rule); }
.brand { margin: 0 0 .5rem; color: var(--accent); font-weight: 600; letter-spacing: .02em; }
.number { color: var(--accent); margin-right: .25em; }
.badge { display: inline-block; margin: .2rem 0 0; padding: .15rem .7rem; border-radius: 1rem;
  border: 1px solid var(--soft); color: var(--soft); font-size: .85rem; }
code, pre { font-family: ui-monospace, "Cascadia Mono", "SF Mono", Menlo, Consolas,
  "DejaVu Sans Mono", monospace; }
code { font-size: .9em; overflow-wrap: anywhere; }
pre { margin: 0 0 1rem; padding: .8rem 1rem; background: var(--well); border-radius: .5rem;
  border: 1px solid var(--rule); font-size: .78rem; line-height: 1.5; overflow-x: auto; }
pre:focus-visible { outline: 2px solid var(--accent); }
.row { display: block; min-height: 1.5em; white-space: pre-wrap; overflow-wrap: anywhere; }
.row.whole { white-space: pre; overflow-wrap: normal; }
.strong { font-weight: 700; }
.faint { color: var(--soft-ink); }
.good { color: var(--hard); }
.warn { color: var(--soft); }
.bad { color: var(--bad); }
figure { margin: 1.2rem 0 1.4rem; padding: 1rem; background: var(--panel); border-radius: .6rem;
  border: 1px solid var(--rule); }
figure svg { display: block; width: 100%; max-width: 31rem; margin: 0 auto; height: auto; }
figcaption { margin: .7rem auto 0; max-width: 40rem; font-size: .92rem; color: var(--soft-ink);
  text-align: center; text-wrap: balance; }
.legend { margin: .7rem auto 0; font-size: .85rem; text-align: center; }
.entry { display: inline-block; margin: 0 .6rem; }
.key { display: inline-block; width: 1.3rem; height: .3rem; border-radius: .2rem;
  margin-right: .4rem; vertical-align: .2em; background: var(--hard); }
.key.soft { background: var(--soft); }
.key.gone { background: var(--soft-fill); }
.key.slow { background: none; border-top: 2px dashed var(--soft-ink); height: 0;
  width: 1.5rem; border-radius: 0; }
table { border-collapse: collapse; font-size: .88rem; margin: 0 0 1rem; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0;
  border-bottom: 1px solid var(--rule); }
th { color: var(--soft-ink); font-weight: 600; }
td:first-child { white-space: nowrap; }
details { font-size: .95rem; }
summary { cursor: pointer; font-weight: 600; margin-bottom: .6rem; }
ul { margin: 0 0 1rem; padding-left: 1.2rem; }
footer { margin-top: 2.6rem; padding-top: 1.2rem; border-top: 1px solid var(--rule);
  color: var(--soft-ink); font-size: .95rem; }
.t { font: 600 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  fill: var(--ink); }
.t.head { font-size: 11.5px; paint-order: stroke; stroke: var(--well); stroke-width: 5px; }
.t.head.on { stroke: var(--hard-fill); }
.t.zone { fill: var(--soft-ink); font-size: 11px; letter-spacing: .08em; }
.t.small { font-size: 10.5px; font-weight: 400; fill: var(--soft-ink); }
.t.code { font: 500 10.5px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.cpu { fill: var(--well); stroke: var(--rule); }
.nic { fill: var(--well); stroke: var(--rule); }
.nic.on { fill: var(--hard-fill); stroke: var(--hard); }
.chip, .port, .guest, .wire { fill: var(--panel); stroke: var(--soft-ink); }
.guest { stroke: var(--accent); }
.wire { stroke-dasharray: 3 3; }
.line, .flow, .grid { fill: none; stroke: var(--soft-ink); stroke-width: 1.5; }
.grid { stroke: var(--rule); stroke-width: 1; }
.line.slow { stroke-dasharray: 4 4; }
.line.hard, .flow.hard { stroke: var(--hard); stroke-width: 2.5; }
.line.soft, .flow.soft { stroke: var(--soft); stroke-width: 2.5; }
.bar.hard { fill: var(--hard); }
.bar.gone { fill: var(--soft-fill); }
@media (max-width: 34rem) {
  main { padding: 1.5rem .9rem 2rem; }
  body { font-size: 1rem; }
  pre { padding: .7rem .75rem; font-size: .72rem; margin-left: -.35rem; margin-right: -.35rem; }
  figure { padding: .7rem .3rem; margin-left: -.35rem; margin-right: -.35rem; }
  figcaption { padding: 0 .6rem; }
}
@media print { pre { overflow: visible; } .row.whole { white-space: pre-wrap; } }
"""
