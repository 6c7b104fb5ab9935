import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { readFile } from 'node:fs/promises'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appFor } from '../../../src/adapters/web/app.ts'
import { Keys } from '../../../src/adapters/web/keys.ts'
import { listenOn, type Listening } from '../../../src/adapters/web/listen.ts'
import type { RunShown } from '../../../src/adapters/web/site.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { systemRandomness } from '../../../src/kernel/randomness.ts'
import { recordOf } from '../../../src/run/record/record.ts'
import { pageOf } from '../../../src/views/page.ts'
import { evidencePolicy, pagePolicy } from '../../../src/views/site/frame.ts'
import { hostileRun } from '../../fixtures/hostile.ts'
import { programFile } from '../../fixtures/programs.ts'
import { program } from '../../fixtures/requirements.ts'
import { fakeSite } from '../../adapters/web/fake-site.ts'
import { hostilePages, pages } from './shown.ts'

type Found = {
  readonly passes: number
  readonly violations: readonly (readonly [id: string, html: string])[]
}
/** In the page: a single element of each rule is enough to name it. */
const found = `axe.run({ resultTypes: ['violations'] }).then(({ passes, violations }) => (
  { passes: passes.length, violations: violations.map(({ id, nodes }) => [id, nodes[0]?.html]) }
))`

const all: { readonly [name: string]: string } = { ...pages, ...hostilePages }
const open = 'a run that is open'
/** No promise about time: a browser that starts on a busy machine takes seconds. */
const patient = { timeout: 30_000 }

describe.skipIf(!program('chromium'))('in a browser', () => {
  const keys = new Keys(systemRandomness)
  const stopped = new AbortController()
  let server: Listening
  let browser: Browser
  let axe: string
  let states: RunShown[] = []
  let dryRuns = 0
  let evidence: string

  beforeAll(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    evidence = pageOf(recordOf(hostileRun()))
    const site = fakeSite({
      policies: { page: pagePolicy, evidence: evidencePolicy },
      target: async (name) => all[name] ?? null,
      dryRun: async () => {
        dryRuns += 1
        return { status: 200, html: pages['a dry run'] }
      },
      run: async (name) =>
        all[name === 'R1' ? (states[0]?.over === true ? 'a run that has ended' : open) : name] ?? null,
      state: async () => states[0] ?? null,
      file: async (_, name) => {
        const body = Buffer.from(
          name === 'hostile.html' ? '<h1>x</h1><script>document.title="owned"</script>' : evidence,
        )
        return { html: name.endsWith('.html'), bytes: body.length, body: new Blob([body]).stream() }
      },
    })
    const app = appFor(
      site,
      { keys, names: [], cookie: () => 'runbook-test', metricsToken: null, onOpened: () => undefined },
      { clock: systemClock, stopped: stopped.signal },
    )
    server = await listenOn(app, { host: '127.0.0.1', port: 0, clock: systemClock })
    // Root, as which the real suites run, cannot use Chromium's sandbox; the pages are our own.
    browser = await chromium.launch({ executablePath: programFile('chromium'), chromiumSandbox: false })
  })
  afterAll(async () => {
    await browser?.close()
    stopped.abort()
    await server?.close()
  })

  const at = (path: string): string => `http://127.0.0.1:${server.port}${path}`
  const pathOf = (name: string): string =>
    `/${/ run/.test(name) && !name.includes('runbook') ? 'runs' : 'targets'}/${encodeURIComponent(name)}`

  /** Opens a page with a link, and fails if anything is asked elsewhere, complains, or happens by itself. */
  async function opened(path: string, options: BrowserContextOptions, look: (page: Page) => Promise<void>) {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const happened: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(at('/'))) happened.push(request.url())
    })
    page.on('console', (message) => happened.push(message.text()))
    page.on('pageerror', (error) => happened.push(error.message))
    page.on('dialog', (dialog) => {
      happened.push(dialog.message())
      void dialog.dismiss()
    })
    try {
      const response = await page.goto(at(`${path}?token=${keys.link}`))
      expect(response?.status()).toBe(200)
      await look(page)
      expect(happened).toEqual([])
    } finally {
      await context.close()
    }
  }

  test.each(Object.keys(all))('%s is accessible, light and dark, wide and narrow', async (name) => {
    states = [{ html: '<p>now</p>', over: false }]
    await opened(pathOf(name), {}, async (page) => {
      await page.evaluate(axe)
      // A page that is open follows both: to open it again costs a process of the browser.
      for (const [colorScheme, width] of [
        ['light', 1100],
        ['dark', 390],
      ] as const) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 900 })
        const { violations, passes } = await page.evaluate<Found>(found)
        expect(passes).toBeGreaterThan(10)
        expect(violations, colorScheme).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      }
    })
  })

  test('the link is gone from the address, and the browser stays', async () => {
    await opened(pathOf('a target'), {}, async (page) => {
      expect(page.url()).toBe(at(pathOf('a target')))
      await page.reload()
      expect(await page.title()).toBe('shop: runbook')
      const cookies = await page.context().cookies()
      expect(cookies).toMatchObject([{ name: 'runbook-test', httpOnly: true, sameSite: 'Strict' }])
      expect(await page.evaluate('document.cookie')).toBe('')
    })
  })

  test('a dry run is made when somebody opens its link, and not before', async () => {
    dryRuns = 0
    await opened(pathOf('a runbook'), {}, async (page) => {
      expect(dryRuns).toBe(0)
      await page.getByRole('link', { name: 'Dry run now' }).click()
      await page.waitForURL(/\/dry-run$/)
      expect(await page.locator('h1').innerText()).toBe('Dry run of The night')
      expect(dryRuns).toBe(1)
    })
  })

  test('a page of another port of this host, which gets the cookie, starts no dry run', async () => {
    dryRuns = 0
    const asked = at('/targets/shop/runbooks/night/dry-run')
    const other = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html')
      response.end(`<img src="${asked}"><a href="${asked}">x</a>`)
    })
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve))
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      await page.goto(at(`${pathOf('a target')}?token=${keys.link}`))
      await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`)
      await page.getByRole('link').click()
      await page.waitForURL(asked)
      expect(await page.locator('body').innerText()).toContain('403 A dry run starts only when')
      expect(dryRuns).toBe(0)
    } finally {
      await context.close()
      other.close()
    }
  })

  test('a run is followed, and the page is loaded again when it is over', async () => {
    states = [{ html: '<p>one</p>', over: false }]
    await opened('/runs/R1', {}, async (page) => {
      const shown = page.locator('#live')
      await expect.poll(() => shown.innerText(), patient).toBe('one')
      expect(await page.locator('#connection').innerText()).toBe('Live.')
      states = [{ html: '<p>two &lt;script&gt;</p>', over: false }]
      await expect.poll(() => shown.innerText(), patient).toBe('two <script>')
      const again = page.waitForEvent('load')
      states = [{ html: '', over: true }]
      await again
      expect(await page.locator('#live').count()).toBe(0)
    })
  })

  test.each(['hostile.html', 'report.html'])('%s of an evidence folder cannot act', async (name) => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(at(`/runs/R1/evidence/${name}?token=${keys.link}`))
    expect(await page.title()).not.toBe('owned')
    expect(await page.locator('h1').count()).toBe(1)
    // Its own origin is none, so it has neither cookies nor the pages of the server.
    expect(await page.evaluate('window.origin')).toBe('null')
    await context.close()
  })

  test.each([
    ['another port of this host, which gets the cookie', '127.0.0.1', 200],
    ['another name of this host', 'localhost', 401],
  ])('a page of %s can neither frame it nor read it', async (_, name, answered) => {
    const other = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html')
      response.end(`<iframe src="${at('/')}"></iframe>`)
    })
    await new Promise<void>((resolve) => void other.listen(0, name, resolve))
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      await page.goto(at(`${pathOf('a target')}?token=${keys.link}`))
      const answers: number[] = []
      page.on('response', (response) => {
        if (response.url() === at('/')) answers.push(response.status())
      })
      await page.goto(`http://${name}:${(other.address() as AddressInfo).port}/`)
      const read = `fetch(${JSON.stringify(at('/'))}, { credentials: 'include' }).then(() => 'read', () => 'refused')`
      expect(await page.evaluate(read)).toBe('refused')
      // Of the frame the browser reports no answer, since it is refused before it is shown.
      expect(answers).toEqual([answered])
      // Chromium shows a page of its own in place of what may not be framed.
      await expect.poll(() => page.frames()[1]?.url(), patient).toBe('chrome-error://chromewebdata/')
    } finally {
      await context.close()
      other.close()
    }
  })
})
