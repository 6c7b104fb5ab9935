import { readFile, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docker } from '../fixtures/requirements.ts'
import { S3Server, s3Key } from '../fixtures/s3-server.ts'
import { openShop, writers, type Shop } from '../fixtures/shop.ts'
import type { Finished } from '../fixtures/typed.ts'

const hour = 3_600_000
const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

describe.skipIf(!docker())('a stack whose health only its containers know, with backups in a store', () => {
  let shop: Shop
  let store: S3Server
  const env = { S3_SECRET: s3Key.secret }

  beforeAll(async () => {
    store = await S3Server.start()
    const from = `{ kind: 's3', bucket: 'backups', prefix: 'shop', endpoint: 'http://127.0.0.1:${store.port}', accessKeyId: '${s3Key.id}', secretAccessKey: { env: 'S3_SECRET' } }`
    shop = await openShop({
      healthEvery: '1s',
      target: `
        health: [{ name: 'backend', service: 'backend', passes: 2, every: '500ms', within: '60s' }],
        backups: { from: ${from}, pattern: 'brace_{time}.dump', maxAge: '26h', minBytes: 1000 },
        restoreTest: { image: 'runbook-test/postgres:{major}' },`,
    })
    const dump = await shop.dump(new Date(Date.now() - 4 * hour))
    for (const file of [dump, `${dump}.sha256`])
      await store.put(`shop/${basename(file)}`, await readFile(file))
    await rm(shop.backups, { recursive: true })
  }, 120_000)
  afterAll(async () => {
    await shop?.[Symbol.asyncDispose]()
    await store?.[Symbol.asyncDispose]()
  })

  it('has its backup tested in a throwaway', async () => {
    const finished = await shop.type(['run', 'restore-test'], { env })
    expect(finished.code, whole(finished)).toBe(0)
    expect(whole(finished)).toMatch(/Download the backup/)
    const { stdout } = await execa('docker', [
      'ps',
      '--all',
      '--filter',
      'label=runbook.throwaway',
      '--format',
      '{{.Names}}',
    ])
    expect(stdout.split('\n').filter((name) => name.includes('restore-test'))).toEqual([])
  }, 240_000)

  it('is rolled back, which its container says is healthy', async () => {
    await shop.damage()
    const badSince = new Date(Date.now() - 3 * hour).toISOString()
    const roll = ['run', 'full-db-rollback', '--bad-since', badSince, '--confirm', shop.phrase]
    const predicted = await shop.type([...roll, '--dry-run'], { env })
    expect(predicted.code, whole(predicted)).toBe(0)
    expect(whole(predicted)).toMatch(/health check of backend has passed, 2 times in a row/)
    const finished = await shop.type(roll, { env })
    expect(finished.code, whole(finished)).toBe(0)
    expect(JSON.parse(await shop.data())).toMatchObject({ revision: 'c3_events', negative: 0, lines: true })
    expect(await shop.writersUp()).toEqual([...writers].sort())
  }, 240_000)
})
