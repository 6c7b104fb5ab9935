import { rename } from 'node:fs/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonLines } from '../fixtures/cli.ts'
import { docker } from '../fixtures/requirements.ts'
import { openShop, type Shop } from '../fixtures/shop.ts'
import type { Finished } from '../fixtures/typed.ts'

const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * 3_600_000)

describe.skipIf(!docker())('doctor and backups on a real stack', () => {
  let shop: Shop
  const dumps: string[] = []

  beforeAll(async () => {
    shop = await openShop({ target: `restoreTest: { image: 'runbook-test/postgres:{major}' },` })
    dumps.push(await shop.dump(hoursAgo(3)), await shop.dump(hoursAgo(2)))
  }, 180_000)
  afterAll(() => shop?.[Symbol.asyncDispose]())

  const whole = ({ code, stdout, stderr }: Finished): string => `exit ${code}\n${stdout}\n${stderr}`
  const problems = async (): Promise<readonly string[]> => {
    const finished = await shop.type(['doctor', '--json'])
    const lines = jsonLines(finished.stdout)
    const found = lines.flatMap(({ check, findings }) =>
      ((findings ?? []) as readonly { readonly level: string; readonly problem: string }[]).map(
        ({ level, problem }) => `${level} ${String(check)}: ${problem}`,
      ),
    )
    expect(finished.code, whole(finished)).toBe(found.some((line) => line.startsWith('refuse')) ? 3 : 0)
    return found
  }

  it('sees what drifts in the real world, and nothing before', async () => {
    const sound = await problems()
    expect(sound.filter((line) => line.startsWith('refuse'))).toEqual([])
    const newest = dumps.at(-1) ?? ''
    await rename(`${newest}.sha256`, `${newest}.gone`)
    await shop.stack.compose('stop', 'scheduler')
    const drifted = await problems()
    expect(drifted.filter((line) => line.includes('no checksum for backup'))).toHaveLength(1)
    expect(drifted.filter((line) => line.includes('service scheduler is stopped'))).toHaveLength(1)
    await rename(`${newest}.gone`, `${newest}.sha256`)
    await shop.stack.compose('start', 'scheduler')
  }, 240_000)

  it('lists the backups, and finds the newest good one', async () => {
    await shop.damage()
    dumps.push(await shop.dump(hoursAgo(1)))
    const found = await shop.type(['backups', 'find-good'])
    expect(found.code, whole(found)).toBe(0)
    expect(found.stdout).toContain(`good: ${dumps[1]}, taken `)
    expect(found.stdout).toContain(`bad: ${dumps[2]}, taken `)
    expect(found.stdout).toMatch(new RegExp(`^Restore it: {2}.*--dump ${dumps[1]}$`, 'm'))
    const listed = jsonLines((await shop.type(['backups', '--json'])).stdout)
    expect(listed.map(({ file, fits, proven }) => [file, fits, proven !== null])).toEqual([
      [dumps[2], true, false],
      [dumps[1], true, true],
      [dumps[0], true, false],
    ])
  }, 240_000)
  it('says after `docker compose down -v` what to type, and that brings the data back', async () => {
    await shop.stack.compose('down', '--volumes')
    const lines = jsonLines((await shop.type(['doctor', '--json'])).stdout)
    const found = lines.flatMap(({ check, findings }) =>
      (
        (findings ?? []) as readonly {
          readonly level: string
          readonly problem: string
          readonly hint: string
        }[]
      )
        .filter(({ level }) => level === 'refuse')
        .map(({ problem, hint }) => ({ check, problem, hint })),
    )
    const volume = `${shop.stack.project}_db-data`
    expect(found).toMatchObject([
      {
        check: 'services',
        problem: `db has no container, and its volume ${volume} does not exist: what brace had in it is gone`,
      },
      { check: 'services', problem: expect.stringContaining('are missing: they have no containers') },
      {
        check: 'addresses',
        problem: expect.stringMatching(/; backend, which publishes port \d+, is missing$/),
      },
    ])
    const [command = '', restore = ''] = String(found[0]?.hint).split(
      ' starts it with an empty database; then: ',
    )
    expect(restore).toMatch(/^runbook run full-db-rollback --target /)
    await execa('sh', ['-c', command], { cwd: '/', env: shop.stack.dockerEnv })
    const words = restore.split(' ').slice(1)
    const good = await shop.type([...words, '--dump', dumps[1] ?? '', '--confirm', shop.phrase])
    expect(good.code, whole(good)).toBe(0)
    expect(await problems()).toEqual(expect.not.arrayContaining([expect.stringContaining(' services: ')]))
  }, 240_000)
})
