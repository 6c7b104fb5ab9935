import { sha256 } from '../../kernel/json.ts'

/** One style for every page, light and dark, for screens and paper. */
export const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --dim: #57606a; --edge: #c8cdd3; --soft: #f2f4f6;
  --link: #0550ae; --good: #1a7f37; --bad: #b3261e; --undo: #8250df; --odd: #8a6100; --grid: #dfe3e8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --paper: #14171b; --dim: #a5adb6; --edge: #454c54; --soft: #20252b; --link: #8ab8ff;
    --good: #4ac26b; --bad: #ff7b72; --undo: #c297ff; --odd: #e0b04a; --grid: #2f353c }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 75rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; padding-left: .75rem; border-left: .4rem solid var(--odd) }
.succeeded h1 { border-color: var(--good) }
.failed h1 { border-color: var(--bad) }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--edge) }
table { width: 100%; border-collapse: collapse; margin: .75rem 0; font-size: .9rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid var(--edge); min-width: 5.5rem }
thead th { background: var(--soft); overflow-wrap: normal }
tbody th { font-weight: normal }
code, pre { font: .85rem/1.45 ui-monospace, monospace }
pre { background: var(--soft); padding: .6rem .8rem; white-space: pre-wrap; margin: .5rem 0 }
a { color: var(--link) }
footer { margin-top: 2.5rem; color: var(--dim); font-size: .85rem }
.timeline { table-layout: fixed }
.track { width: 25%; padding-left: 0; padding-right: 0 }
.timeline .track { width: 50% }
.track svg { display: block; overflow: visible }
.track text { fill: var(--ink); font-size: .75rem; font-weight: normal }
.grid { stroke: var(--grid) }
.mark { stroke: var(--dim); stroke-dasharray: 3 2 }
rect { stroke-width: 2 }
.done { fill: var(--good); stroke: var(--good) }
rect.failed, .down { fill: var(--bad); stroke: var(--bad) }
.undo { fill: var(--undo); stroke: var(--undo) }
.unknown { fill: none; stroke: var(--odd); stroke-dasharray: 4 2 }
@media (max-width: 60rem) { th, td { min-width: 4rem } }
@media (max-width: 45rem) {
  body { padding: .75rem }
  table { font-size: .75rem }
  th, td { min-width: 2.25rem; padding: .25rem }
  thead th { overflow-wrap: anywhere }
}
@media print {
  :root { color-scheme: light; --ink: #000; --paper: #fff; --dim: #444; --edge: #999; --soft: #eee; --link: #000;
    --good: #1a7f37; --bad: #b3261e; --undo: #8250df; --odd: #8a6100; --grid: #ddd }
  body { max-width: none; padding: 0; font-size: 9pt }
  table { font-size: 8pt }
  th, td { min-width: 3.75rem; padding: .2rem .3rem }
  h2 { break-after: avoid }
  tr, li { break-inside: avoid }
  rect, thead th, pre { print-color-adjust: exact }
}
`

/** The page may load and run nothing; its one style is named by its digest. */
export const policy = `default-src 'none'; style-src 'sha256-${Buffer.from(sha256(style), 'hex').toString('base64')}'; base-uri 'none'; form-action 'none'`
