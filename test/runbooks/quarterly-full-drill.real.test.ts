import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { key } from '../fixtures/data-site.ts'
import { DrillSite, type Print } from '../fixtures/drill-site.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const env = { CODEX_BACKUP_GPG_KEY: key }
const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

// One service for all of it: whatever a drill does, it leaves it as it was.
let site: DrillSite
let before: Print
beforeAll(async () => {
  site = await DrillSite.open()
  before = site.print()
})
afterAll(() => site[Symbol.asyncDispose]())
beforeEach(async () => {
  expect(await site.answers()).toBe('1.0.2, live data')
  expect(site.print()).toEqual(before)
})

const asBefore = async (): Promise<void> => {
  expect(await site.answers()).toBe('1.0.2, live data')
  expect(site.print()).toEqual(before)
  expect(site.asides()).toEqual([])
  expect(site.staged()).toEqual([])
}

describe('quarterly-full-drill on a service that runs', () => {
  it('a dry run changes nothing', async () => {
    const starts = readFileSync(join(site.live, 'starts.log'), 'utf8')
    const dry = await site.drill(['--dry-run'])
    expect(dry.code, whole(dry)).toBe(0)
    expect(site.staged()).toEqual([])
    expect(readFileSync(join(site.live, 'starts.log'), 'utf8')).toBe(starts)
  })

  it('comes up on restored data and the bundle, and puts everything back', async () => {
    const finished = await site.drill()
    expect(finished.code, whole(finished)).toBe(0)
    expect(whole(finished)).toMatch(
      /kept: .* is kept as \S+\.kept-\S+; written to since it went live: .*starts\.log/,
    )
    expect(site.takeKept()).toEqual([expect.stringMatching(/started 1\.0\.1\n$/)])
    await asBefore()
    expect(readFileSync(join(site.folder, 'checklist.md'), 'utf8')).toMatch(
      /quarterly-full-drill \| codex \| succeeded \| \S+codex-api-/,
    )
    // It ran in between on what was restored, which wrote nothing into the live data.
    expect(readFileSync(join(site.live, 'starts.log'), 'utf8')).not.toContain('1.0.1')
  })

  it('goes back where the smoke test fails at the very end', async () => {
    writeFileSync(join(site.folder, 'fail'), '')
    const finished = await site.drill()
    rmSync(join(site.folder, 'fail'))
    expect(finished.code, whole(finished)).toBe(10)
    expect(whole(finished)).toContain('ended with exit code 1')
    expect(site.takeKept()).toEqual([expect.stringMatching(/started 1\.0\.1\n$/)])
    await asBefore()
  })

  it('is refused where nobody approved it', async () => {
    const finished = await site.type(['run', 'quarterly-full-drill', '--answer', 'outcome=none'])
    expect(finished.code, whole(finished)).toBe(3)
    expect(whole(finished)).toContain('drill codex')
  })
})

it('T.24: keeps what was restored from an encrypted archive, twice on one day, and the live data of both drills', async () => {
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '')
  const naive = join(site.folder, 'staging', 'naive')
  for (const drill of ['first', 'second']) {
    mkdirSync(join(naive, 'live'), { recursive: true })
    writeFileSync(join(naive, 'live', drill), '')
    spawnSync('mv', ['live', `live.${today}`], { cwd: naive })
  }
  // The document's way: the second folder is in the first one.
  expect(existsSync(join(naive, `live.${today}`, 'live', 'second'))).toBe(true)
  rmSync(naive, { recursive: true })

  expect((await site.type(['status'])).stdout).toBe('No open runs.\n')
  writeFileSync(join(site.live, 'codex', 'config.toml'), 'model = "gpt"\n')
  const backup = await site.type(['run', 'data-backup', '--encrypt'], { env })
  writeFileSync(join(site.live, 'codex', 'config.toml'), 'model = "gpt"\n# later\n')
  expect(backup.code, whole(backup)).toBe(0)
  const refused = await site.drill()
  expect(refused.code, whole(refused)).toBe(3)
  expect(whole(refused)).toContain('CODEX_BACKUP_GPG_KEY is missing')
  for (const count of [1, 2]) {
    const finished = await site.drill(['--afterwards', 'keep-restored'], { env })
    expect(finished.code, whole(finished)).toBe(0)
    expect(await site.answers()).toBe('1.0.1, restored data')
    const asides = site.asides().filter((name) => name.startsWith('.codex-api.'))
    expect(asides).toHaveLength(count)
    expect(whole(finished)).not.toContain(key)
    expect(asides.filter((name) => existsSync(join(site.folder, name, '.codex-api')))).toEqual([])
  }
  const [first = ''] = site.asides().filter((name) => name.startsWith('.codex-api.'))
  expect(readFileSync(join(site.folder, first, 'codex', 'config.toml'), 'utf8')).toContain('# later')
  expect(readFileSync(join(site.folder, '.env'), 'utf8')).toBe('OF=the host\n')
  expect(readFileSync(join(site.folder, 'checklist.md'), 'utf8')).toMatch(
    /succeeded \| \S+\.tar\.gz\.age \|[^]*succeeded \| \S+\.tar\.gz\.age \|/,
  )
  expect(spawnSync('grep', ['-r', '-l', key, site.folder], { encoding: 'utf8' }).stdout).toBe('')
})
