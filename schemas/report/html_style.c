/* SPDX-License-Identifier: MIT */
#include "schemas/report/html_style.h"

/* Neither text may have a `<` or an `&`, so that the report is well-formed XML, too. */

const char report_html_style[] =
    ":root{color-scheme:light dark;--bg:#fff;--card:#f7f7f9;--fg:#1b1d22;--dim:#63676f;--line:#d3d6dc;"
    "--error:#b3261e;--warning:#8a5a00;--info:#2b5fa8;--act:#1c6b45}\n"
    "@media (prefers-color-scheme:dark){:root{--bg:#14161a;--card:#1d2026;--fg:#e4e6ea;--dim:#9aa0aa;"
    "--line:#3a3f48;--error:#ff8a80;--warning:#f0b64d;--info:#8ab8ff;--act:#6fd3a0}}\n"
    "*{box-sizing:border-box}\n"
    "[hidden]{display:none!important}\n"
    "body{margin:0 auto;padding:1rem;max-width:64rem;background:var(--bg);color:var(--fg);"
    "font:15px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}\n"
    "h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.2rem;margin:1.6rem 0 .5rem}"
    "h3{font-size:1em;margin:0}\n"
    "p{margin:.3rem 0}ul,ol{margin:.4rem 0;padding:0;list-style:none}a{color:var(--info)}\n"
    "code,.said{unicode-bidi:isolate}code,td,th,.path{font:.87em/1.4 ui-monospace,monospace}\n"
    "h3 code{font-size:1.05em}td code{font-size:1em}\n"
    ".dim,.advice,summary{color:var(--dim)}.error b,.error .n{color:var(--error)}"
    ".warning b,.warning .n{color:var(--warning)}.info b,.info .n{color:var(--info)}.act b,.act .n{"
    "color:var(--act)}\n"
    ".sum{display:flex;flex-wrap:wrap;gap:.5rem;margin:.8rem 0}\n"
    ".sum li{border:1px solid var(--line);border-radius:6px;padding:.2rem .8rem;background:var(--card)}\n"
    ".n{font-size:1.4rem;font-weight:600;margin-right:.3rem}\n"
    ".bar{position:sticky;top:0;display:flex;flex-wrap:wrap;gap:.4rem 1rem;align-items:center;"
    "padding:.5rem 0;background:var(--bg);border-bottom:1px solid var(--line)}\n"
    ".bar input[type=search]{flex:1 1 14rem;font:inherit;padding:.3rem .5rem;border:1px solid var(--line);"
    "border-radius:6px;background:var(--card);color:var(--fg)}\n"
    ".found,.device{border:1px solid var(--line);border-left:4px solid var(--line);border-radius:6px;"
    "background:var(--card);padding:.5rem .8rem;margin:.5rem 0}\n"
    ".found.error,.device.error{border-left-color:var(--error)}"
    ".found.warning,.device.warning{border-left-color:var(--warning)}"
    ".found.info,.device.info{border-left-color:var(--info)}.device.act{border-left-color:var(--act)}\n"
    ".found .advice{margin:0}.found ul{margin:.2rem 0}"
    ".device{scroll-margin-top:4rem}.device:target{outline:2px solid var(--info)}\n"
    "svg{display:block;width:100%;max-width:46rem;height:auto;margin:.4rem 0}svg.defs{width:0;height:0;"
    "position:absolute}\n"
    /* no selector with an ancestor: what is shared by <use> has none */
    ".name,.is,.side{font:11px system-ui,sans-serif;fill:var(--dim);text-anchor:middle}"
    ".side{text-anchor:start}"
    ".is{font-weight:600;fill:var(--fg);stroke:var(--card);stroke-width:5;paint-order:stroke}\n"
    ".line{stroke:var(--line)}.slot{fill:var(--card);stroke:var(--dim)}.now{fill:var(--info)}"
    ".next{fill:none;stroke:var(--act);stroke-width:2}\n"
    "summary{cursor:pointer}.path{margin:.5rem 0 .1rem}\n"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;"
    "border-top:1px solid var(--line);padding:.1rem .8rem .1rem 0}th{font-weight:400;width:30%}\n"
    "@media (min-width:40rem){.found a{display:inline-block;min-width:9.5rem}}\n"
    "@media (max-width:40rem){.name,.is{display:none}.side{font-size:18px}}\n"
    "@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--fg:#000;--dim:#444;--line:#999;"
    "--error:#b3261e;--warning:#8a5a00;--info:#2b5fa8;--act:#1c6b45}"
    "body{max-width:none;padding:0;font-size:11px}.bar,details:not([open]){display:none}"
    ".device,.found{break-inside:avoid}h2{break-after:avoid}"
    "*{print-color-adjust:exact}svg{max-width:36rem}.device:target{outline:0}}\n";

const char report_html_style_hash[] = "sha256-p5EdGm7cg/h8HudpFMEhc+aNX11IN9m/K7v9wbdqZxM=";

/* What it shows or hides is all that it does; it takes text from the report, and makes no markup of it. */
const char report_html_script[] =
    "'use strict';\n"
    "var id=function(name){return document.getElementById(name)};\n"
    "var devices=Array.from(document.querySelectorAll('.device'),function(at){\n"
    "  return {at:at,text:at.textContent.toLowerCase(),busy:at.dataset.busy==='1'}});\n"
    "function show(){\n"
    "  var words=id('words').value.toLowerCase().split(/\\s+/),busy=id('busy').checked,n=0;\n"
    "  devices.forEach(function(d){\n"
    "    var fits=words.every(function(w){return d.text.includes(w)});\n"
    "    d.at.hidden=!fits||(busy?!d.busy:false);\n"
    "    n+=d.at.hidden?0:1});\n"
    "  document.querySelectorAll('section').forEach(function(s){\n"
    "    s.hidden=!s.querySelector('.device:not([hidden])')});\n"
    "  id('count').textContent=n+' of '+devices.length}\n"
    "id('words').addEventListener('input',show);\n"
    "id('busy').addEventListener('change',show);\n"
    "id('bar').hidden=false;\n"
    "show();\n";

const char report_html_script_hash[] = "sha256-SyzoKtECxVOHkblE6AyWW3TTfJj6xdS0rVFrFbzgj4o=";
