import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, describe, it } from 'vitest'
import { backupPattern } from '../../src/formats/backup-pattern.ts'
import { brace } from '../../targets/brace.ts'
import { docker } from '../fixtures/requirements.ts'
import { openShop, writers, type Shop } from '../fixtures/shop.ts'
import type { Finished } from '../fixtures/typed.ts'

const root = join(import.meta.dirname, '..', '..')
const hour = 3_600_000

/** The target as it is shipped, on the test's own stack and ports. */
const configuration = ({ stack, phrase }: Shop): string => `
import { defineConfig } from ${JSON.stringify(join(root, 'src', 'index.ts'))}
import { brace } from ${JSON.stringify(join(root, 'targets', 'brace.ts'))}
export default defineConfig({
  runbooks: [${JSON.stringify(join(root, 'runbooks'))}], artifacts: './artifacts', state: './state',
  targets: {
    brace: brace({
      root: ${JSON.stringify(stack.dir)}, composeFiles: ['compose.yml'], envFiles: ['.env'], project: ${JSON.stringify(stack.project)}, database: 'brace', confirmPhrase: ${JSON.stringify(phrase)}, duties: true,
      backendUrl: 'http://127.0.0.1:${stack.ports.backend}', frontendUrl: 'http://127.0.0.1:${stack.ports.frontend}', patience: { passes: 2, every: '200ms', within: '20s' },
    }),
  },
})
`

describe.skipIf(!docker())('full-db-rollback --target brace', () => {
  let shop: Shop
  let badSince: string
  let early: string
  let late: string

  const whole = ({ code, stdout, stderr }: Finished): string => `exit ${code}\n${stdout}\n${stderr}`
  const roll = (more: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> =>
    shop.type(['run', 'full-db-rollback', '--target', 'brace', '--bad-since', badSince, ...more], { env })

  const answers = [
    '--answer',
    'window=compared with the deployment log',
    '--answer',
    'backup=the one of four hours ago',
    '--answer',
    'post-mortem=on Monday',
  ]

  beforeAll(async () => {
    shop = await openShop()
    await writeFile(join(shop.stack.dir, 'runbook.config.ts'), configuration(shop), { mode: 0o600 })
    early = await shop.dump(new Date(Date.now() - 6 * hour))
    const named = await shop.dump(new Date(Date.now() - 4 * hour))
    // As practice has it: another word in the name, no line between day and time, no checksum beside it.
    late = named.replace(/brace_(\d{8})_(\d{6})/, 'brace_tg_$1$2')
    await rename(named, late)
    await rm(`${named}.sha256`)
    badSince = new Date(Date.now() - 3 * hour).toISOString()
    await shop.damage()
  }, 120_000)
  afterAll(() => shop[Symbol.asyncDispose]())

  it('T.19: takes dumps by both names, the newest by its time, where the written pattern finds only the older one', async () => {
    const written = backupPattern('brace_{time}.dump')
    expect((await readdir(shop.backups)).filter((name) => written.match(name) !== null)).toEqual([
      early.slice(early.lastIndexOf('/') + 1),
    ])
    const damaged = await shop.data()
    const finished = await roll(['--dry-run', ...answers], { RESTORE_CONFIRM: 'YES' })
    expect(finished.code, whole(finished)).toBe(0)
    expect(whole(finished)).toContain(late)
    expect(await shop.data()).toBe(damaged)
  }, 60_000)

  it('refuses without consent or without the answers of people, and rolls back with both; what people said stands in the evidence', async () => {
    const unconfirmed = await roll(answers)
    expect(unconfirmed.code, whole(unconfirmed)).toBe(3)
    const unanswered = await roll(answers.slice(2), { RESTORE_CONFIRM: 'YES' })
    expect(unanswered.code, whole(unanswered)).toBe(3)
    expect(whole(unanswered)).toContain('--answer window=')
    const finished = await roll(answers, { RESTORE_CONFIRM: 'YES' })
    expect(finished.code, whole(finished)).toBe(0)
    const report = await readFile(
      join(shop.stack.dir, /^Evidence: (\S+)$/m.exec(finished.stdout)?.[1] ?? '', 'report.md'),
      'utf8',
    )
    for (const said of ['compared with the deployment log', 'the one of four hours ago', 'on Monday'])
      expect(report).toContain(said)
    expect(JSON.parse(await shop.data())).toEqual({
      revision: 'c3_events',
      negative: 0,
      lines: true,
      customers: 2000,
    })
    expect(await shop.writersUp()).toEqual([...writers].sort())
  }, 120_000)
})

it('the target of the procedure names its files, services and dumps', () => {
  const { stack, writers: stopped, smoke, backups } = brace()
  expect(stack.files).toEqual(['/srv/brace/infra/docker-compose.prod.yml'])
  expect(stopped).toEqual(['backend', 'admin-bot', 'scheduler'])
  expect([smoke.service, backups.directory]).toEqual(['smoke-tests', '/srv/brace/backups'])
})
