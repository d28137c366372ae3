"""The style sheet of the page: system fonts, two sets of colours, no address of anything."""

CSS = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#57606a;--edge:#d0d7de;--card:#f6f8fa;
--main:#0a58ca;--faint:#9db7e0;--good:#1a7f37;--bad:#c0232c;--warn:#8a4b00;--warnbg:#fff1d6}
@media (prefers-color-scheme:dark){:root{--bg:#0e1116;--fg:#e6e9ed;--soft:#9aa4af;--edge:#333b45;
--card:#171b22;--main:#6cb0ff;--faint:#35527a;--good:#4ac26b;--bad:#ff7b72;--warn:#ffc869;
--warnbg:#3a2a08}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1.5rem 1rem 4rem;background:var(--bg);color:var(--fg);
font:15px/1.5 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2.5rem 0 .5rem}
h3{font-size:.95rem;margin:0 0 .35rem;font-weight:600}
p{margin:.4rem 0}.soft{color:var(--soft)}
a{color:var(--main)}
.banner,.stamped{background:var(--warnbg);color:var(--warn);border:1px solid currentColor;
border-radius:.4rem;padding:.15rem .55rem;font-weight:600;display:inline-block}
.banner{padding:.5rem .8rem;margin:.6rem 0}
.good{color:var(--good)}.bad{color:var(--bad)}
.wide{overflow-x:auto;border:1px solid var(--edge);border-radius:.5rem;margin:.8rem 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.4rem .65rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--edge)}
tr:last-child td{border-bottom:0}thead th{background:var(--card);white-space:nowrap}
.number{text-align:right}td{white-space:nowrap}
td.wrap{white-space:normal;overflow-wrap:anywhere;min-width:9rem}
.run{border-top:1px solid var(--edge);padding-top:.2rem}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr));gap:1rem}
figure{margin:0;padding:.8rem;background:var(--card);border:1px solid var(--edge);
border-radius:.5rem}
figcaption{color:var(--soft);font-size:.85rem;margin-top:.3rem}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--fg);font:12px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
svg .note{paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
svg .tick,svg .label{fill:var(--soft)}svg .stamp{fill:var(--warn);font-weight:700}
.grid{stroke:var(--edge);stroke-width:1}
.line{fill:none;stroke:var(--main);stroke-width:2;stroke-linejoin:round}
.line.guessed{stroke-dasharray:2 4}.line.mean{stroke:var(--soft);stroke-dasharray:6 4}
.line.target{stroke:var(--warn);stroke-dasharray:6 4}.line.faint{stroke:var(--faint)}
.dot{fill:var(--bg);stroke:var(--main);stroke-width:2}
svg .dot.good{fill:var(--good);stroke:var(--good)}svg .dot.bad{fill:var(--bad);stroke:var(--bad)}
.bar{fill:var(--faint)}.bar.main{fill:var(--main)}
.bar.faint{fill:none;stroke:var(--edge)}.bar.failed{fill:none;stroke:var(--bad)}
details{margin:.6rem 0}summary{cursor:pointer;color:var(--soft)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
@media print{body{max-width:none}figure{break-inside:avoid}}
"""
