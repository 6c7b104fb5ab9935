import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docker } from '../fixtures/requirements.ts'
import { openShop, writers, type Shop } from '../fixtures/shop.ts'
import type { Finished } from '../fixtures/typed.ts'

const hour = 3_600_000
const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

describe.skipIf(!docker())('a stack whose backups are folders of pg_dump -Fd', () => {
  let shop: Shop
  let name: string
  const badSince = new Date(Date.now() - 3 * hour).toISOString()

  beforeAll(async () => {
    shop = await openShop({
      target: `
        backups: { directory: './backups', pattern: 'brace_{time}', maxAge: '26h', minBytes: 1000 },
        restoreTest: { image: 'runbook-test/postgres:{major}' },`,
    })
    const stamp = new Date(Date.now() - 4 * hour).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')
    const folder = join(shop.backups, `brace_${stamp.replace('T', '_')}`)
    name = basename(folder)
    const id = String(await shop.stack.containerId('db'))
    const made = ['exec', id, 'pg_dump', '-U', 'postgres', '-Fd', '-j2', '-f', '/tmp/folder', 'brace']
    const { dockerEnv: env } = shop.stack
    await execa('docker', made, { env })
    await mkdir(shop.backups, { recursive: true })
    await execa('docker', ['cp', `${id}:/tmp/folder`, folder], { env })
    await execa('sh', ['-c', 'sha256sum * > SHA256SUMS'], { cwd: folder })
  }, 120_000)
  afterAll(async () => {
    await shop?.[Symbol.asyncDispose]()
  })

  it('has them listed, examined and tested in a throwaway', async () => {
    const listed = await shop.type(['backups'])
    expect(listed.code, whole(listed)).toBe(0)
    expect(whole(listed)).toMatch(new RegExp(`directory +checksum in SHA256SUMS.*${name} +yes`))
    const examined = await shop.type(['doctor'])
    expect(whole(examined)).not.toMatch(new RegExp(`✗.*${name}`))
    const finished = await shop.type(['run', 'restore-test'])
    expect(finished.code, whole(finished)).toBe(0)
  }, 240_000)

  it('is rolled back to one, which the dry run predicts', async () => {
    await shop.damage()
    const roll = ['run', 'full-db-rollback', '--bad-since', badSince, '--confirm', shop.phrase]
    const predicted = await shop.type([...roll, '--dry-run'])
    expect(predicted.code, whole(predicted)).toBe(0)
    expect(whole(predicted)).toContain(name)
    const finished = await shop.type(roll)
    expect(finished.code, whole(finished)).toBe(0)
    expect(JSON.parse(await shop.data())).toMatchObject({ revision: 'c3_events', negative: 0, lines: true })
    expect(await shop.writersUp()).toEqual([...writers].sort())
  }, 240_000)
})
