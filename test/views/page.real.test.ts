import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AxeResults } from 'axe-core'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { recordOf } from '../../src/run/record/record.ts'
import { incidentOf } from '../../src/run/record/incident.ts'
import { incidentPageOf, pageOf, storyPageOf } from '../../src/views/page.ts'
import { hostile, hostileRun } from '../fixtures/hostile.ts'
import { programFile } from '../fixtures/programs.ts'
import { program } from '../fixtures/requirements.ts'
import { badRun, dryRun, earlierRun, goodRun } from '../fixtures/runs.ts'

const text = hostile.join(' ')
const long = 'a-name-without-a-break-'.repeat(40)
const night = [
  { folder: `../_/2026-02-03-${long}`, record: recordOf(badRun(long)), defects: [] },
  { folder: '../_/2026-02-03-y', record: recordOf(goodRun()), defects: [] },
  { folder: '../_/2026-02-04-x', record: recordOf(hostileRun()), defects: [] },
]
const pages = {
  'a success': pageOf(recordOf(goodRun([earlierRun('R2', 3600), earlierRun('R1', null)]))),
  'a failure': pageOf(recordOf(badRun())),
  'a dry run': pageOf(recordOf(dryRun())),
  'hostile names': pageOf(recordOf(hostileRun())),
  'long names': pageOf(recordOf(badRun(long))),
  'a story': storyPageOf(text, [
    { folder: `2026-02-03-${long}`, record: recordOf(goodRun()), defects: [] },
    { folder: '2026-02-04-x', record: recordOf(hostileRun()), defects: [text] },
  ]),
  'an incident': incidentPageOf(text, incidentOf(night, '2026-02-03T04:00:00.000Z'), night),
}
type Name = keyof typeof pages
const names = Object.keys(pages) as Name[]

describe.skipIf(!program('chromium'))('in a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runbook-page-'))
  let browser: Browser
  let axe: string

  beforeAll(async () => {
    for (const name of names) writeFileSync(join(folder, `${name}.html`), pages[name])
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    // Root, as which the real suites run, cannot use Chromium's sandbox; the pages are our own.
    browser = await chromium.launch({ executablePath: programFile('chromium'), chromiumSandbox: false })
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  const address = (name: Name): string => pathToFileURL(join(folder, `${name}.html`)).href

  /** Opens a page, and fails if it asks for anything else, complains, or does something by itself. */
  async function opened(name: Name, options: BrowserContextOptions, look: (page: Page) => Promise<void>) {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const happened: string[] = []
    page.on('request', (request) => request.url() !== address(name) && happened.push(request.url()))
    page.on('console', (message) => happened.push(message.text()))
    page.on('pageerror', (error) => happened.push(error.message))
    page.on('dialog', (dialog) => {
      happened.push(dialog.message())
      void dialog.dismiss()
    })
    await page.goto(address(name))
    await look(page)
    await context.close()
    expect(happened).toEqual([])
  }

  test.each(names)('%s is accessible, light and dark, wide and narrow', async (name) => {
    for (const [colorScheme, width] of [
      ['light', 1100],
      ['dark', 390],
    ] as const)
      await opened(name, { colorScheme, viewport: { width, height: 900 } }, async (page) => {
        await page.evaluate(axe)
        const { violations, passes } = await page.evaluate<AxeResults>('axe.run()')
        expect(passes.length).toBeGreaterThan(10)
        expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
        // Whatever it contains fits: nobody has to scroll sideways.
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      })
  })

  test.each(['hostile names', 'a story', 'an incident'] as const)(
    '%s become text, and no element',
    async (name) => {
      await opened(name, {}, async (page) => {
        expect(await page.locator('script, img, iframe, object, embed, form, link').count()).toBe(0)
        const shown = await page.locator('main').innerText()
        for (const one of [
          '<script>alert(1)</script>',
          '<img src=x onerror=alert(1)>',
          '\\u202egnp.bd',
          '<!-- ',
          ']]>',
        ])
          expect(shown).toContain(one)
        expect(await page.title()).toContain('<script>alert(1)</script>')
      })
    },
  )

  test.each(['a failure', 'hostile names'] as const)('%s is the same without scripts', async (name) => {
    const shots: Buffer[] = []
    for (const javaScriptEnabled of [true, false])
      await opened(name, { javaScriptEnabled }, async (page) => {
        shots.push(await page.screenshot({ fullPage: true }))
      })
    expect(shots[0]?.length).toBeGreaterThan(5000)
    expect(shots[0]?.equals(shots[1] ?? Buffer.of())).toBe(true)
  })

  test('what is put into a page by somebody cannot act: the policy refuses it', async () => {
    const name = 'a success'
    writeFileSync(
      join(folder, `${name}.html`),
      pages[name].replace(
        '</main>',
        '<script>document.title = "owned"</script><img src="http://127.0.0.1:9/x.png" alt="x"></main>',
      ),
    )
    const context = await browser.newContext()
    const page = await context.newPage()
    const refused: string[] = []
    page.on('console', (message) => refused.push(message.text()))
    await page.goto(address(name))
    expect(await page.title()).not.toBe('owned')
    expect(refused.filter((one) => one.includes('Content Security Policy'))).toHaveLength(2)
    await context.close()
    writeFileSync(join(folder, `${name}.html`), pages[name])
  })

  test.each(names)('%s fits on paper, dark on white', async (name) => {
    await opened(name, { colorScheme: 'dark', viewport: { width: 700, height: 990 } }, async (page) => {
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(700)
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
        'rgb(255, 255, 255)',
      )
      expect((await page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-')
    })
  })
})
