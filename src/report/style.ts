/** The style of the page: `vN` are the colours of release lines (series.ts, `COLOURS`). */

/** Light and dark of each; text on them is white in light, near black in dark. */
const LINES = [
  ['#5a6b8c', '#8fa0c4'],
  ['#0f6cbd', '#62abf5'],
  ['#0b7a75', '#4cc2b4'],
  ['#8a4fbf', '#c08eea'],
  ['#a85a00', '#eaa457'],
  ['#4b7a1e', '#9ccb62'],
  ['#a8326f', '#ee86b7'],
  ['#6e5a3a', '#c9b48c'],
] as const;

const variables = (which: 0 | 1) => LINES.map((pair, at) => `--v${at}:${pair[which]}`).join(';');

export const STYLE = `
:root{--paper:#fff;--ink:#1b1f24;--soft:#5c6670;--rule:#dfe3e8;--panel:#f6f8fa;--good:#1a7f37;--bad:#c4232f;--on:#fff;--band:#f5c400;--gate:#aab3bd;${variables(0)}}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e8ebef;--soft:#a3adb8;--rule:#343b44;--panel:#1c2127;--good:#57c470;--bad:#ff7b81;--on:#0d1014;--band:#ffd84d;--gate:#5a646f;${variables(1)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1088px;margin:0 auto;padding:24px}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:1.75rem 0 .5rem}
p{margin:.25rem 0;overflow-wrap:anywhere}
article+article,header~article{border-top:1px solid var(--rule);margin-top:2.5rem;padding-top:2rem}
a{color:inherit}
.small{color:var(--soft);font-size:.85rem}
.badge{display:inline-block;vertical-align:.15em;font-size:.8rem;font-weight:600;line-height:1;padding:.3em .6em;border-radius:999px;border:1px solid currentColor;white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}
.tiles{display:flex;flex-wrap:wrap;gap:8px;margin:1rem 0 .5rem}
.tiles div{background:var(--panel);border:1px solid var(--rule);border-radius:8px;padding:8px 14px;display:flex;flex-direction:column-reverse}
.tiles dt{color:var(--soft);font-size:.85rem}.tiles dd{margin:0;font-size:1.35rem;font-weight:600;font-variant-numeric:tabular-nums}
figure{margin:1.25rem 0 0;padding:16px 8px 8px;background:var(--panel);border:1px solid var(--rule);border-radius:8px}
figcaption{color:var(--soft);font-size:.85rem;padding:4px 8px}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;margin:.4rem 0 0;padding:0;color:var(--ink)}
.legend li{display:flex;align-items:center;gap:6px}
.swatch{width:14px;height:14px;border-radius:3px;display:inline-block;background:var(--gate)}
.swatch.striped{background:repeating-linear-gradient(45deg,var(--gate) 0 3px,var(--paper) 3px 6px)}
.swatch.empty{background:none;border:1px dashed var(--soft)}
.swatch.upgrading{background:var(--band);opacity:.5}
.swatch.line{height:0;border-top:2px dashed var(--ink);background:none;border-radius:0}
${LINES.map((_, at) => `.swatch.v${at}{background:var(--v${at})}.chart .v${at}{fill:var(--v${at})}`).join('')}
.scroll{overflow-x:auto;background:linear-gradient(90deg,var(--paper) 30%,transparent) local 0 0/32px 100% no-repeat,linear-gradient(270deg,var(--paper) 30%,transparent) local 100% 0/32px 100% no-repeat,linear-gradient(90deg,var(--rule),transparent) scroll 0 0/10px 100% no-repeat,linear-gradient(270deg,var(--soft),transparent) scroll 100% 0/10px 100% no-repeat}
table{border-collapse:collapse;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:5px 24px 5px 0;border-bottom:1px solid var(--rule)}
th{color:var(--soft);font-weight:500;white-space:nowrap}
td{font-variant-numeric:tabular-nums}
td:first-child{white-space:nowrap}
td.number,th.number{text-align:right}
td.told{min-width:16rem}
td.time,td:first-child.time{white-space:nowrap}
.chart{display:block;width:100%;height:auto}
.chart.narrow{display:none}
.chart text{font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;fill:var(--ink)}
.chart .lane{font-weight:600}
.chart .id{text-anchor:end;fill:var(--soft)}
.chart .tick{text-anchor:middle;fill:var(--soft)}
.chart .caption.on{fill:var(--on);font-weight:600}
.chart .caption.dim{fill:var(--soft)}
.chart .upgrade{font-weight:600}
.chart .gate{fill:var(--gate)}
.chart .down{fill:none;stroke:var(--soft);stroke-dasharray:3 3}
.chart .hatch{fill:var(--paper);opacity:.45}
.chart .grid{fill:none;stroke:var(--rule)}
.chart .area{opacity:.85}
.chart .waiting{fill:none;stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3}
.chart .refused{fill:var(--bad)}
.chart .dropped{fill:none;stroke:var(--bad);stroke-width:2}
.chart .band{fill:var(--band);opacity:.3}
.chart .band.failed,.chart .band.abandoned{fill:var(--bad);opacity:.18}
@media (max-width:640px){main{padding:12px}.chart.wide{display:none}.chart.narrow{display:block}figure{padding:12px 6px 6px}.tiles div{padding:6px 10px}th,td{padding-right:12px}td:first-child:not(.time){white-space:normal}}
`;
