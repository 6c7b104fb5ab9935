import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CuttingProxy } from '../fixtures/cutting-proxy.ts'
import { eventually } from '../fixtures/eventually.ts'
import { goodData, LocalShop } from '../fixtures/local-shop.ts'
import { program } from '../fixtures/requirements.ts'
import { S3Server, s3Key } from '../fixtures/s3-server.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 180_000 })

const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`
const password = 'CANARY-password of the repository'
const env = { S3_SECRET: s3Key.secret, REPOSITORY_PASSWORD: password }

let shop: LocalShop
beforeEach(async () => {
  shop = await LocalShop.open({ orders: 60_000 })
})
afterEach(() => shop[Symbol.asyncDispose]())

/** The backup of the shop and the checksum beside it. */
async function backupFiles(): Promise<readonly (readonly [name: string, body: Buffer])[]> {
  const folder = join(shop.folder, 'backups')
  const names = (await readdir(folder)).sort()
  return Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const))
}

const from = (setting: string): Promise<void> =>
  shop.configure({ target: `backups: { from: ${setting}, pattern: 'shop-{time}.db', maxAge: '26h' },` })

async function downloads(): Promise<readonly string[]> {
  const entries = await readdir(join(shop.folder, 'state', 'downloads'), {
    recursive: true,
    withFileTypes: true,
  }).catch(() => [])
  return entries
    .filter((one) => one.isFile())
    .map((one) => one.name)
    .sort()
}

async function restored(): Promise<void> {
  const predicted = await shop.type([...shop.rollback(), '--dry-run'], { env })
  expect(predicted.code, whole(predicted)).toBe(0)
  expect(await downloads()).toEqual([])

  const finished = await shop.type(shop.rollback(), { env })
  expect(finished.code, whole(finished)).toBe(0)
  expect(shop.data()).toEqual(goodData)
  expect((await downloads()).filter((name) => name.includes('.used-by-'))).toEqual([])
  expect(whole(predicted)).toMatch(/Download the backup/)
}

/** No byte that the program wrote has the value of a secret. */
async function expectNoSecret(...shown: readonly Finished[]): Promise<void> {
  const files = [shop.folder, join(shop.folder, 'state')].flatMap((folder) => folder)
  const entries = await readdir(files[0] as string, { recursive: true, withFileTypes: true })
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name)
    if (/\/repository\/|\/source\//.test(path)) continue
    const text = (await readFile(path)).toString('latin1')
    for (const secret of [s3Key.secret, password]) expect(text.includes(secret), path).toBe(false)
  }
  for (const one of shown)
    for (const secret of [s3Key.secret, password]) expect(whole(one)).not.toContain(secret)
}

describe('full-db-rollback with backups in a bucket', () => {
  const bucket = (port: number): Promise<void> =>
    from(
      `{ kind: 's3', bucket: 'backups', prefix: 'shop', endpoint: 'http://127.0.0.1:${port}', accessKeyId: '${s3Key.id}', secretAccessKey: { env: 'S3_SECRET' } }`,
    )
  let server: S3Server
  beforeEach(async () => {
    server = await S3Server.start()
    for (const [name, body] of await backupFiles()) await server.put(`shop/${name}`, body)
    await rm(join(shop.folder, 'backups'), { recursive: true })
  })
  afterEach(() => server[Symbol.asyncDispose]())

  it('restores, without a download in the dry run, and uses the download again', async () => {
    await bucket(server.port)
    await restored()
    const proven = await shop.type(['evidence', 'verify', '--json', await lastRun()], { env })
    expect(proven.code, whole(proven)).toBe(0)
    await expectNoSecret(proven)

    const names = await downloads()
    const again = await shop.type(shop.rollback(), { env })
    expect(again.code, whole(again)).toBe(0)
    expect(await downloads()).toEqual(names)
  })

  it('killed in the middle of the download: resume continues it', async () => {
    await using proxy = await CuttingProxy.to(server.port)
    await bucket(proxy.port)
    proxy.holdAfter = 300_000
    const running = shop.start(shop.rollback(), { env })
    await running.says('[STARTED] Download the backup')
    await eventually(async () => (await partial()) > 0, 'a part is downloaded')
    running.child.kill('SIGKILL')
    expect((await running.finished).signal).toBe('SIGKILL')
    const left = await partial()
    expect((await downloads()).filter((name) => name.endsWith('.db'))).toEqual([])

    proxy.holdAfter = null
    const resumed = await shop.type(['resume', '--confirm', shop.phrase], { env })
    expect(resumed.code, whole(resumed)).toBe(0)
    expect(left).toBeGreaterThan(0)
    expect(shop.data()).toEqual(goodData)
    expect((await downloads()).filter((name) => /partial|used-by/.test(name))).toEqual([])
    await expectNoSecret(resumed)
  })

  it('a store that is not reachable, or refuses, is refused with nothing touched', async () => {
    await bucket(1)
    const unreachable = await shop.type(shop.rollback(), { env })
    expect(unreachable.code, whole(unreachable)).toBe(3)
    expect(whole(unreachable)).toContain('it is not reachable')
    await from(
      `{ kind: 's3', bucket: 'backups', prefix: 'shop', endpoint: 'http://127.0.0.1:${server.port}', accessKeyId: 'ANOTHERKEY', secretAccessKey: { env: 'S3_SECRET' } }`,
    )
    const refused = await shop.type(shop.rollback(), { env })
    expect(refused.code, whole(refused)).toBe(3)
    expect(whole(refused)).toContain('the credentials are refused')
    expect(whole(await shop.type(shop.rollback(), { env: {} }))).toContain('S3_SECRET')
    expect(await downloads()).toEqual([])
    expect(await shop.appState()).toBe('running')
  })

  const partial = async (): Promise<number> => {
    const [name] = (await downloads()).filter((one) => one.endsWith('.partial'))
    const [cache] = await readdir(join(shop.folder, 'state', 'downloads')).catch(() => [])
    if (name === undefined || cache === undefined) return 0
    return (await stat(join(shop.folder, 'state', 'downloads', cache, name))).size
  }
})

async function lastRun(): Promise<string> {
  const { stdout } = await shop.type(['history', '--json'], { env })
  return String((JSON.parse(stdout.split('\n')[0] ?? '{}') as { run?: string }).run)
}

describe.skipIf(!program('rclone'))('full-db-rollback with backups that rclone reaches', () => {
  it('restores', async () => {
    await rename(join(shop.folder, 'backups'), join(shop.folder, 'source'))
    await writeFile(
      join(shop.folder, 'rclone.conf'),
      `[drive]\ntype = alias\nremote = ${join(shop.folder, 'source')}\n`,
    )
    await from(`{ kind: 'rclone', remote: 'drive:', config: './rclone.conf' }`)
    await restored()
  })
})

describe.skipIf(!program('restic'))('full-db-rollback with backups in a restic repository', () => {
  it('restores', async () => {
    const [repository, source] = [join(shop.folder, 'repository'), join(shop.folder, 'source')]
    await mkdir(source)
    const restic = (...args: readonly string[]) =>
      execFileSync('restic', ['-q', ...args], {
        env: {
          PATH: process.env['PATH'],
          HOME: shop.folder,
          RESTIC_REPOSITORY: repository,
          RESTIC_PASSWORD: password,
        },
      })
    restic('init')
    for (const [name, body] of (await backupFiles()).filter(([one]) => one.endsWith('.db')))
      await writeFile(join(source, name), body)
    restic('backup', source)
    await rm(join(shop.folder, 'backups'), { recursive: true })
    await from(`{ kind: 'restic', repository: '${repository}', password: { env: 'REPOSITORY_PASSWORD' } }`)
    await restored()
    await expectNoSecret()
  })
})

describe.skipIf(!program('borg'))('full-db-rollback with backups in a Borg repository', () => {
  it('restores', async () => {
    const [repository, source] = [join(shop.folder, 'repository'), join(shop.folder, 'source')]
    await mkdir(source)
    const borg = (...args: readonly string[]) =>
      execFileSync('borg', args, {
        env: {
          PATH: process.env['PATH'],
          HOME: shop.folder,
          BORG_REPO: repository,
          BORG_PASSPHRASE: password,
        },
      })
    borg('init', '--encryption=repokey')
    for (const [name, body] of (await backupFiles()).filter(([one]) => one.endsWith('.db')))
      await writeFile(join(source, name), body)
    borg('create', '::night-1', source)
    await rm(join(shop.folder, 'backups'), { recursive: true })
    await from(`{ kind: 'borg', repository: '${repository}', passphrase: { env: 'REPOSITORY_PASSWORD' } }`)
    await restored()
    await expectNoSecret()
  })
})
