import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import type { Cast } from '../fixtures/asciicast.ts'
import { eventually } from '../fixtures/eventually.ts'
import { programFile } from '../fixtures/programs.ts'
import type { RecordedTerminal } from '../fixtures/recorded-terminal.ts'
import type { NightShop } from './night-shop.ts'

/** A picture of a page, and all of its text. */
export type Picture = { readonly png: Buffer; readonly text: string }

export type Night = {
  readonly casts: Readonly<Record<string, Cast>>
  readonly pictures: Readonly<Record<string, Picture>>
  readonly news: readonly string[]
}

const story = 'INC-42'
const phrase = 'restore the demo shop'
const asked = `--story ${story} --confirm "${phrase}"`

/**
 * A night of the shop: from the alarm over a run that fails, one whose process dies while the shop is down, and one that
 * dies past its point of no return, to the page of the incident and a reviewer who has the evidence and nothing else.
 */
export async function night(shop: NightShop): Promise<Night> {
  const casts: Record<string, Cast> = {}
  const pictures: Record<string, Picture> = {}
  const record = async (name: string, title: string, act: (terminal: RecordedTerminal) => Promise<void>) => {
    const terminal = shop.terminal()
    await act(terminal)
    casts[name] = terminal.castNamed(title)
  }
  const newest = async (): Promise<string> => (await shop.runs())[0]?.run ?? ''
  const begun = async (known: string): Promise<string> => {
    await eventually(async () => (await newest()) !== known, 'a run begins')
    return newest()
  }
  const hoursAgo = (hours: number): string =>
    new Date(Date.now() - hours * 3_600_000).toISOString().slice(0, 19)

  await shop.openShop()
  await record('drills', 'Which proofs are due, and what is due is run', async (terminal) => {
    expect(await terminal.type('npx runbook drills --check')).toBe(3)
    expect(await terminal.type('npx runbook drills run')).toBe(0)
    expect(await terminal.type('npx runbook drills --check')).toBe(0)
  })
  const badSince = `${hoursAgo(3)}Z`
  await record('run', 'A run: what is at stake, an approval, and the outcome', async (terminal) => {
    const ended = await terminal.begin(`npx runbook run full-db-rollback --bad-since ${badSince}`)
    await terminal.shows(`type exactly:  ${phrase}`)
    terminal.press('yes\r')
    await terminal.shows('2 tries left')
    terminal.press(`${phrase}\r`)
    expect(await ended()).toBe(0)
  })

  await shop.deployBadly()
  const alarm = `${hoursAgo(0)}Z`
  await record('dry-run', 'A dry run looks at everything and changes nothing', async (terminal) => {
    expect(
      await terminal.type(`npx runbook run full-db-rollback --bad-since ${badSince} --dry-run ${asked}`),
    ).toBe(0)
  })

  const link = await shop.serve()
  const browser = await chromium.launch({ executablePath: programFile('chromium'), chromiumSandbox: false })
  try {
    const context = await browser.newContext({ viewport: { width: 1080, height: 800 } })
    const page = await context.newPage()
    const at = (path: string): string => new URL(path, link).href
    const picture = async (name: string, address: string): Promise<void> => {
      await eventually(async () => {
        await page.goto(address)
        return !/Still looking|still being verified/.test(await page.locator('body').innerText())
      }, 'what the page shows was looked at')
      pictures[name] = await pictureOf(page)
    }
    await page.goto(link)

    await shop.unhealthy(true)
    let known = await newest()
    await record('rollback', 'A run that fails, and is rolled back', async (terminal) => {
      const ended = await terminal.begin(`npx runbook run full-db-rollback --bad-since ${badSince} ${asked}`)
      const run = await begun(known)
      await record('status-watch', 'The same run from another terminal', async (other) => {
        const watched = await other.begin('npx runbook status --watch')
        await eventually(
          async () => (await shop.state(run)).steps.get('check-health')?.status === 'doubt',
          'the health is checked',
        )
        await picture('serve-run-live', at(`/runs/${run}`))
        expect(await watched()).toBe(0)
      })
      expect(await ended()).toBe(10)
    })

    await record('watch', 'The watch finds a run whose process died, and rolls it back', async (watch) => {
      const stopped = await watch.begin('npx runbook watch')
      known = await newest()
      await record('killed', 'The process of a run is killed while the shop is down', async (terminal) => {
        const ended = await terminal.begin(
          `npx runbook run full-db-rollback --bad-since ${badSince} ${asked}`,
        )
        const run = await begun(known)
        await shop.killWhen(run, ({ steps }) => steps.get('check-health')?.status === 'doubt')
        expect(await ended()).toBe(137)
        await eventually(
          async () => (await shop.state(run)).settled?.outcome === 'rolled-back',
          'the watch rolls it back',
        )
        await eventually(async () => (await shop.state(run)).sealed !== null, 'its evidence is sealed')
        expect(await terminal.type('npx runbook status')).toBe(0)
      })

      await shop.unhealthy(false)
      known = await newest()
      await record('ack', 'A run that died past its point of no return is for people', async (terminal) => {
        const ended = await terminal.begin(
          `npx runbook run full-db-rollback --bad-since ${badSince} ${asked}`,
        )
        const run = await begun(known)
        await shop.killWhen(run, ({ pivoted }) => pivoted)
        expect(await ended()).toBe(137)
        await eventually(
          () => shop.news.some((one) => one.includes(`runbook ack ${run}`)),
          'people are called',
        )
        expect(await terminal.type(`npx runbook ack ${run} --note "on my way"`)).toBe(0)
        expect(await terminal.type(`npx runbook resume ${run}`)).toBe(0)
      })
      watch.press('\u0003')
      expect(await stopped()).toBe(0)
    })

    await record('evidence', 'What the night leaves', async (terminal) => {
      expect(await terminal.type(`npx runbook history --since 1d`)).toBe(0)
      expect(await terminal.type(`npx runbook evidence verify ${await newest()}`)).toBe(0)
      expect(await terminal.type(`npx runbook evidence story ${story}`)).toBe(0)
      expect(await terminal.type(`npx runbook evidence incident --story ${story} --alarm ${alarm}`)).toBe(0)
      expect(await terminal.type(`npx runbook evidence controls > controls.md`)).toBe(0)
    })
    await record('doctor', 'What would stop a recovery tonight', async (terminal) => {
      expect(await terminal.type('npx runbook doctor')).toBe(0)
    })
    await picture('serve-overview', at('/'))
    await picture('serve-target', at('/targets/demo'))
    await picture('serve-runbook', at('/targets/demo/runbooks/full-db-rollback'))
    await picture('serve-evidence', at(`/runs/${await newest()}/evidence`))

    const folder = join(shop.folder, 'artifacts', story)
    const runs = (await readdir(folder))
      .filter((name) => /full-db-rollback-\d{8}-\d{6}-.{5}$/.test(name))
      .sort()
    const last = runs.at(-1) ?? ''
    await picture('report', `file://${join(folder, last, 'report.html')}`)
    await picture('report-rolled-back', `file://${join(folder, runs[0] ?? '', 'report.html')}`)
    await picture('story', `file://${join(folder, 'index.html')}`)
    await picture('incident', `file://${join(folder, 'incident.html')}`)

    // The list of keys comes from the operators, and not with the evidence.
    await cp(join(folder, last), join(shop.folder, 'review', 'evidence'), { recursive: true })
    await cp(join(shop.folder, 'state', 'allowed_signers'), join(shop.folder, 'review', 'allowed_signers'))
    await record('review', 'A reviewer with the folder, a list of keys and no runbook', async (terminal) => {
      for (const line of [
        'cd review/evidence && ls',
        'sha256sum --check --strict SHA256SUMS',
        'ssh-keygen -Y verify -f ../allowed_signers -I runbook -n runbook-evidence -s statement.json.sig < statement.json',
        'sha256sum SHA256SUMS',
        `grep -o '{[^{]*{[^{]*"SHA256SUMS"' statement.json`,
      ])
        expect(await terminal.type(line), line).toBe(0)
      await terminal.type('sed -i s/on.my.way/never/ report.md')
      expect(await terminal.type('sha256sum --check --quiet SHA256SUMS')).toBe(1)
    })
  } finally {
    await browser.close()
  }
  return { casts, pictures, news: [...shop.news] }
}

/** Tall pages are cut: the text beside the picture is complete. */
const tallest = 1_150

async function pictureOf(page: Page): Promise<Picture> {
  const height = Number(await page.evaluate('document.documentElement.scrollHeight'))
  const png = await page.screenshot({
    fullPage: true,
    clip: { x: 0, y: 0, width: 1080, height: Math.min(height, tallest) },
  })
  return { png, text: await page.locator('body').innerText() }
}
