import { describe, expect, test } from 'vitest'
import { style as reportStyle } from '../../../src/views/html/style.ts'
import { evidencePolicy, pagePolicy } from '../../../src/views/site/frame.ts'
import { sha256 } from '../../../src/kernel/json.ts'
import { runbookPage } from '../../../src/views/site/runbook.ts'
import { nightPlan } from '../../fixtures/night.ts'
import { after } from '../../fixtures/told-run.ts'
import { bad, good, hostilePages, overview, pages, protection, running, target, weak } from './shown.ts'

const all = Object.entries({ ...pages, ...hostilePages })
const digestOf = (text: string): string => `'sha256-${Buffer.from(sha256(text), 'hex').toString('base64')}'`
const between = (page: string, tag: string): readonly string[] =>
  [...page.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))].map(([, text = '']) => text)

test.each(all)(
  '%s has the style and the script that its policy names, and asks nothing of others',
  (_, page) => {
    expect(between(page, 'style').map(digestOf)).toHaveLength(1)
    for (const text of [...between(page, 'style'), ...between(page, 'script')])
      expect(pagePolicy).toContain(digestOf(text))
    // Text is escaped, so what is between < and > is a tag; a value in quotes has no > in it.
    const tags = page.replaceAll(/<(style|script)>[\s\S]*?<\/\1>/g, '').match(/<[^>]*>/g) ?? []
    for (const tag of tags.map((one) => one.replaceAll(/"[^"]*"/g, '""')))
      expect(tag).not.toMatch(/\s(?:src|on\w+|style|action)=|^<(?:script|img|iframe|form|object)/)
    for (const [, href] of page.matchAll(/ href="([^"]*)"/g)) expect(href).toMatch(/^(?:\/[^/]|\/$|#)/)
  },
)

test.each(Object.entries(hostilePages))('%s is text, and no element', (_, page) => {
  expect(page).not.toMatch(/<script>alert|<img|<!-- |javascript:alert\(1\)"/)
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  // oxlint-disable-next-line no-control-regex
  expect(page).not.toMatch(/[\u0000-\u0008\u200b\u202e\ud800]/)
})

test('every page has one heading of the first level, ids that are used once, and links that lead somewhere', () => {
  for (const [name, page] of all) {
    expect(page.match(/<h1>/g), name).toHaveLength(1)
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size, name).toBe(ids.length)
    for (const [, anchor] of page.matchAll(/ href="#([^"]*)"/g)) expect(ids, name).toContain(anchor)
  }
})

test('HTML of evidence may show its own style and nothing else', () => {
  expect(evidencePolicy).toBe(
    `default-src 'none'; style-src ${digestOf(reportStyle)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox`,
  )
})

describe('a dry run', () => {
  const page = pages['a dry run']

  test('says first what speaks against a run, and that nothing happened', () => {
    expect(page).toContain('<body class="failed">')
    expect(page).toContain(
      '<strong>A run would be refused now. </strong>Nothing was changed, and nothing was recorded.',
    )
    expect(page).toContain('What depends on <code>--lamp</code>, <code>--oil</code> is not known')
    expect(page).toContain('<li><strong>lamp</strong>: it is broken. Next: mend it</li>')
    expect(page.indexOf('>Blockers</h2>')).toBeLessThan(page.indexOf('>Steps</h2>'))
    expect(page).toContain(
      '2. <strong>Fill</strong> <span class="effect">(not known yet)</span><br>Fills the lamp.<br>→ fills it',
    )
  })
})

describe('the overview', () => {
  const lookOf = (page: string) => /<body class="(\w+)">/.exec(page)?.[1]

  test('is well only where every target is known to be protected', () => {
    expect(lookOf(overview())).toBe('succeeded')
    expect(lookOf(overview({ protection: null }))).toBe('other')
    const none = { ...protection, places: [] }
    expect(lookOf(overview({ protection: { all: [none], at: new Date(0) } }))).toBe('other')
    expect(lookOf(overview({ problem: 'the journal is damaged' }))).toBe('failed')
    expect(lookOf(overview({ open: [{ ...bad, holder: null }] }))).toBe('failed')
    expect(lookOf(overview({ protection: { all: [weak], at: new Date(0) } }))).toBe('failed')
  })

  test('begins with what needs somebody, each with its target', () => {
    const page = pages['an overview that needs somebody']
    const list = /Needs attention<\/h2>\s*<ul>([\s\S]*?)<\/ul>/.exec(page)?.[1] ?? ''
    expect(between(list, 'li').map((item) => item.replaceAll(/<[^>]*>/g, ''))).toEqual([
      'The journal cannot be read, so nothing is known of runs and drills.',
      'shop: full-db-rollback is open: R2',
      'shop: backups: /backups/db/shop.dump was taken 30.0 h ago; at most 24.0 h are allowed',
      'shop: data: the bucket does not answer',
      'shop: bundle: no backup b-{time} in /bundles',
      'shop: restore-test is overdue',
      'shop: monthly has never succeeded',
      'shop: quarterly is due and cannot run: shop lacks bundle',
    ])
  })

  test('names a run whose evidence is not sealed, and one that somebody works on not', () => {
    const unsealed = { ...good, sealed: false, holder: null }
    expect(overview({ open: [unsealed] })).toContain(
      '<strong>the evidence of full-db-rollback is not sealed</strong>: <a href="/runs/R1">',
    )
    expect(overview({ open: [running] })).not.toContain('Needs attention')
  })

  test('says how old the newest backup is, and by which run it was restored', () => {
    expect(overview()).toContain('Newest backup: <strong>1h</strong> old.')
    expect(overview()).toContain('<a href="/runs/R1"><code>R1</code></a>, 2026-02-03 04:12:00 UTC')
  })
})

describe('a target', () => {
  test('has a bar for each recovery time, and what was not measured is named', () => {
    const page = target({ runs: [good, bad] })
    expect(page).toContain('aria-label="3m 50s, objective 30m"')
    expect(page).toContain('aria-label="not measured"')
  })

  test('names how many runs are not listed', () => {
    expect(target({ older: 1 })).toContain('1 older run is not listed: <code>runbook history</code>')
    expect(target()).not.toContain('older run')
  })
})

describe('a target says what the doctor found and who holds its locks', () => {
  test('as far as it is known', () => {
    expect(target()).toContain('No problems found; 1 warning, 2 not checked, 48m ago')
    expect(target()).toContain(
      '<strong>ada on db1</strong> with <code>R3</code>, since 2026-02-03 04:12:00 UTC',
    )
    expect(target()).toContain('not known: the daemon does not answer')
    const page = target({
      doctor: { at: after(0), problems: ['the disk is full'], warnings: 0, unchecked: 0 },
    })
    expect(page).toContain('<strong>1 problem</strong>; 0 warnings')
    expect(page).toContain('<li>the disk is full</li>')
    expect(page).toContain('class="failed"')
  })

  test('and nothing is said where it is not', () => {
    const page = target({ doctor: null, locks: null })
    expect(page).toContain(
      'It has not run here, as far as is known: <code>runbook doctor --target shop</code>',
    )
    expect(page).not.toContain('nobody')
  })
})

test('a runbook shows its branches, its point of no return, and which values a step uses', () => {
  const page = pages['a runbook']
  expect(page).toContain('Only if <code>--lamp</code> is <code>oil</code>')
  expect(page).toContain('<strong>Point of no return.</strong> The night is over.')
  expect(page).toContain('Uses what is returned by <a href="#step-1">step 1</a>.')
  const plan = nightPlan()
  const many = plan.steps.map((step, index) => ({
    ...step,
    needs: plan.steps
      .slice(0, index)
      .map(({ id }) => id)
      .reverse(),
  }))
  expect(
    runbookPage({
      plan: { ...plan, steps: many },
      params: [],
      origin: '',
      past: [],
      dryRun: null,
      run: null,
    }),
  ).toContain('by <a href="#step-1">step 1</a>, <a href="#step-2">step 2</a>, <a href="#step-3">step 3</a>.')
  expect(page).toContain('Expected duration: 1m (median of 2 successful runs)')
  expect(page).toContain('Latest dry run: none on this target')
  expect(page).toContain(
    'Latest run: <a href="/runs/R1"><code>R1</code></a> on 2026-02-03 04:12:00 UTC: succeeded',
  )
})

test('a run links its logs where they are served', () => {
  expect(pages['a run that has ended']).toMatch(
    /<a href="\/runs\/[\w-]+\/evidence\/logs\/03-restore-beside\.log">/,
  )
})

test('an open run shows who works on it, and one that nobody works on what to type', () => {
  expect(pages['a run that is open']).toContain('<strong>Running</strong>: pid 42 of ada on db1; 48m since')
  const stuck = pages['a run that is stuck']
  expect(stuck).toContain('<strong>No process works on it.</strong>')
  expect(stuck).toContain('<code>runbook rollback R3</code>')
  expect(stuck).toContain('<strong>undo failed')
})
