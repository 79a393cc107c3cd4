/** The style of the HTML report. */
export const STYLE = `
:root{--bg:#fbfaf8;--fg:#1d2126;--dim:#68707a;--line:#dedbd4;--card:#fff;--good:#22855b;--bad:#c2333c;--none:#b9b6ae;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e4df;--dim:#9aa1a9;--line:#2c3136;--card:#1b1f23;--good:#4cc38a;--bad:#ff6b72;--none:#596069}}
*{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:2.5rem 1.5rem 5rem;background:var(--bg);color:var(--fg);font:15px/1.55 system-ui,sans-serif}
h1{font-size:1.7rem;letter-spacing:-.02em;margin:0 0 1rem}h2{font-size:1.15rem;margin:2.5rem 0 .8rem}
code,pre,.hex,.matrix th,.facts dd{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.86em}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1.2rem;margin:0;color:var(--dim)}.facts dd{margin:0;overflow-wrap:anywhere;color:var(--fg)}
.verdicts{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1rem;margin-top:2rem}
.verdict{background:var(--card);border:1px solid var(--line);border-top:4px solid var(--none);border-radius:8px;padding:1rem 1.1rem}
.verdict.good{border-top-color:var(--good)}.verdict.bad{border-top-color:var(--bad)}.verdict h2{margin:0;font-size:.95rem;color:var(--dim)}
.verdict p{margin:.4rem 0 0;color:var(--dim);font-size:.86rem}.verdict .word{font-size:1.25rem;font-weight:650;color:var(--fg);margin:.1rem 0 .7rem}
.bar{display:flex;height:6px;border-radius:3px;overflow:hidden;background:var(--line)}.bar .good{background:var(--good)}.bar .bad{background:var(--bad)}.bar .none{background:var(--none)}
.failure{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--bad);border-radius:8px;padding:1rem 1.2rem;margin:0 0 1rem}
.failure h3{margin:0;font-size:1rem}.failure .class{float:right;color:var(--bad);font-weight:600;font-size:.86rem}.failure p{margin:.5rem 0}.why{color:var(--dim)}
pre{background:var(--bg);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;overflow-x:auto;margin:.6rem 0 0}
dl{margin:.5rem 0}dt{color:var(--dim);font-size:.86rem}dd{margin:0 0 .3rem;overflow-wrap:anywhere}
.hex{border-collapse:collapse;margin:.6rem 0}.hex th{color:var(--dim);font-weight:400;text-align:left;padding-right:1rem}.hex td{padding:0 1.4rem 0 0;white-space:nowrap}.hex b{background:color-mix(in srgb,var(--bad) 22%,transparent);border-radius:3px}
.calm{color:var(--good)}.req{color:inherit;text-decoration-color:var(--line);font-size:.86rem}
.matrix,.cases{border-collapse:collapse;width:100%}.matrix td,.matrix th,.cases td,.cases th{border-top:1px solid var(--line);padding:.35rem .7rem .35rem 0;text-align:left;vertical-align:top}
.matrix th{white-space:nowrap;font-weight:600}.matrix tr.good th{color:var(--good)}.matrix tr.bad th{color:var(--bad)}.matrix tr.none th{color:var(--dim)}.matrix td{font-size:.9rem}
.chips{min-width:9rem}.chip{display:inline-block;width:11px;height:11px;border-radius:3px;margin:2px;background:var(--none)}.chip.good{background:var(--good)}.chip.bad{background:var(--bad)}
.cases tr.bad td{color:var(--bad)}.cases tr.none td{color:var(--dim)}.cases{font-size:.9rem}summary{cursor:pointer;color:var(--dim)}tr:target{outline:2px solid var(--good)}
`;
