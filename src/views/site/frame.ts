import { sha256 } from '../../kernel/json.ts'
import { oneLine } from '../../kernel/sanitize.ts'
import type { Inline } from '../document.ts'
import { inlineAsHtml } from '../html/blocks.ts'
import { style as reportStyle } from '../html/style.ts'
import { fragment, rawScript, rawStyle, type Html } from '../html/template.ts'
import { liveScript } from './live-script.ts'

/** What pages have and reports lack: a way to other pages. */
const style = `${reportStyle}
nav { margin-bottom: 1rem; font-size: .9rem }
nav ol { display: flex; flex-wrap: wrap; gap: .25rem .5rem; list-style: none; margin: 0; padding: 0 }
nav li + li::before { content: "/"; color: var(--dim); margin-right: .5rem }
.note { color: var(--dim); font-size: .9rem }
.effect { color: var(--dim) }
ul.plan { list-style: none; padding-left: 1.25rem }
ul.plan li { margin: .4rem 0 }
/* Room for the words of this program; what comes from outside may be broken anywhere. */
@media (min-width: 67rem) { th, td { min-width: 6.1rem } }
`

const digest = (text: string): string => `'sha256-${Buffer.from(sha256(text), 'hex').toString('base64')}'`

/** Style and script are named by their digests; a page asks this server only, for events of a run. */
export const pagePolicy = `default-src 'none'; style-src ${digest(style)}; script-src ${digest(liveScript)}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** Reports bring their own style, and nothing of an evidence folder may act. */
export const evidencePolicy = `default-src 'none'; style-src ${digest(reportStyle)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox`

export type Crumb = { readonly label: string; readonly href: string }

export type Frame = {
  readonly title: Inline
  /** Of the browser's window. */
  readonly window: string
  readonly look: 'succeeded' | 'failed' | 'other'
  /** The way to this page from the overview. */
  readonly crumbs: readonly Crumb[]
  readonly main: readonly Html[]
  /** The page follows a run. */
  readonly live?: true
}

export function sitePage({ title, window, look, crumbs, main, live }: Frame): string {
  const way = [{ label: 'Overview', href: '/' }, ...crumbs]
  const links = way.map(({ label, href }) => fragment`<li><a href="${href}">${oneLine(label)}</a></li>`)
  return fragment`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${oneLine(window)}</title>
${rawStyle(style)}
</head>
<body class="${look}">
<header>
<nav aria-label="Breadcrumb"><ol>${links}</ol></nav>
<h1>${inlineAsHtml(title)}</h1>
</header>
<main>
${main}</main>
<footer>
<p>Nothing can be changed from here; a dry run only looks. All times are UTC.</p>
</footer>
${live === true ? rawScript(liveScript) : null}
</body>
</html>
`.toString()
}

/** A name as a part of an address; a lone surrogate cannot be one. */
export const partOf = (name: string): string => encodeURIComponent(name.toWellFormed())

export const targetHref = (target: string): string => `/targets/${partOf(target)}`
export const runHref = (run: string): string => `/runs/${partOf(run)}`
export const runbookHref = (target: string, name: string): string =>
  `${targetHref(target)}/runbooks/${partOf(name)}`
export const dryRunHref = (target: string, name: string): string => `${runbookHref(target, name)}/dry-run`

/** A section with an id of its own, since its heading may come from outside. */
export const section = (id: string, title: Inline, content: readonly Html[]): Html =>
  fragment`<section aria-labelledby="${id}">\n<h2 id="${id}">${inlineAsHtml(title)}</h2>\n${content}</section>\n`

export const note = (text: Inline): Html => fragment`<p class="note">${inlineAsHtml(text)}</p>\n`
