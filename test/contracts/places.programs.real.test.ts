import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BorgStore, RcloneStore, ResticStore, StoredObject } from '../../src/drivers/places.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { CuttingProxy } from '../fixtures/cutting-proxy.ts'
import { memoryFolder } from '../fixtures/memory-folder.ts'
import { program } from '../fixtures/requirements.ts'
import { emptyResticRepository, resticPassword } from '../fixtures/restic-repository.ts'
import { S3Server, s3Key } from '../fixtures/s3-server.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { onDisk, placesWith } from '../fixtures/stored-places.ts'
import { placesContract, type Objects, type PlacesWorld } from './places.contract.ts'

const password = resticPassword
const secrets = { REPOSITORY_PASSWORD: password, WRONG: 'another password', S3_SECRET: s3Key.secret }
const places = placesWith(secrets)
const handle = (env: string) => ({ secret: env, from: { env } })
const oddNames = [
  'with blank.dump',
  'ünï✓.dump',
  'new\nline.dump',
  "quote'.dump",
  'glob[1]*?.dump',
  'back\\slash.dump',
]

const environment = (root: string, more: Record<string, string>): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'] ?? '',
  HOME: root,
  ...more,
})

async function rootFolder(): Promise<string> {
  return mkdtemp(join(memoryFolder, 'runbook-places-'))
}

async function putFile(folder: string, name: string, body: Uint8Array | string): Promise<string> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, body)
  return path
}

async function folderByRclone(): Promise<PlacesWorld> {
  const root = await rootFolder()
  const [config, folder] = [join(root, 'rclone.conf'), join(root, 'drive')]
  await mkdir(folder)
  await writeFile(config, `[drive]\ntype = alias\nremote = ${folder}\n`)
  const store: RcloneStore = { kind: 'rclone', remote: 'drive:', config, variables: {} }
  return {
    ...onDisk,
    store,
    folder: join(root, 'cache'),
    // A folder keeps none: rclone would read the file for it.
    digests: 'none',
    replaces: true,
    places,
    // It shows a newline as this symbol.
    names: [...oddNames.map((name) => name.replace('\n', '␊')), '2026/02-03/deep.dump'],
    put: (objects) =>
      putFiles(
        folder,
        Object.fromEntries(Object.entries(objects).map(([name, body]) => [name.replace('␊', '\n'), body])),
      ),
    missing: { ...store, remote: 'nowhere:' },
    refused: null,
    close: () => rm(root, { recursive: true }),
  }
}

async function putFiles(folder: string, objects: Objects): Promise<void> {
  for (const [name, body] of Object.entries(objects)) await putFile(folder, name, body)
}

const bucketConfig = (port: number): string =>
  `[bucket]\ntype = s3\nprovider = Other\nendpoint = http://127.0.0.1:${port}\nregion = us-east-1\naccess_key_id = ${s3Key.id}\nforce_path_style = true\n`

async function bucketByRclone(): Promise<PlacesWorld> {
  const root = await rootFolder()
  const server = await S3Server.start()
  const config = join(root, 'rclone.conf')
  await writeFile(config, bucketConfig(server.port))
  const store: RcloneStore = {
    kind: 'rclone',
    remote: 'bucket:backups/shop',
    config,
    variables: { RCLONE_CONFIG_BUCKET_SECRET_ACCESS_KEY: handle('S3_SECRET') },
  }
  await writeFile(join(root, 'refused.conf'), bucketConfig(server.port).replace(s3Key.id, 'ANOTHERKEY'))
  return {
    ...onDisk,
    store,
    folder: join(root, 'cache'),
    digests: 'kept',
    replaces: true,
    places,
    names: ['with blank.dump', 'ünï✓.dump', "quote'.dump", '2026/02-03/deep.dump'],
    put: async (objects) => {
      for (const [name, body] of Object.entries(objects)) await server.put(`shop/${name}`, body)
    },
    missing: { ...store, remote: 'bucket:no-such-bucket' },
    refused: { ...store, config: join(root, 'refused.conf') },
    close: async () => {
      await server[Symbol.asyncDispose]()
      await rm(root, { recursive: true })
    },
  }
}

const resticIn =
  (root: string, repository: string) =>
  (...args: readonly string[]): unknown =>
    execFileSync('restic', ['-q', ...args], {
      env: environment(root, { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: password }),
      cwd: root,
    })

/** What is put is a snapshot, as a nightly job makes them. */
async function resticWorld(): Promise<
  PlacesWorld & { readonly store: ResticStore; readonly repository: string }
> {
  const root = await rootFolder()
  const [repository, source] = [join(root, 'repository'), join(root, 'source')]
  await emptyResticRepository(repository)
  const restic = resticIn(root, repository)
  const store: ResticStore = {
    kind: 'restic',
    repository,
    password: handle('REPOSITORY_PASSWORD'),
    host: null,
    tag: null,
    variables: {},
  }
  return {
    ...onDisk,
    store,
    repository,
    folder: join(root, 'cache'),
    digests: 'none',
    replaces: false,
    places,
    names: oddNames,
    put: async (objects) => {
      await putFiles(source, objects)
      restic('backup', source)
      await rm(source, { recursive: true })
    },
    missing: { ...store, repository: join(root, 'no-such-repository') },
    refused: { ...store, password: handle('WRONG') },
    close: () => rm(root, { recursive: true }),
  }
}

async function borgWorld(): Promise<
  PlacesWorld & { readonly store: BorgStore; readonly repository: string }
> {
  const root = await rootFolder()
  const [repository, source] = [join(root, 'repository'), join(root, 'source')]
  const env = environment(root, { BORG_REPO: repository, BORG_PASSPHRASE: password })
  const borg = (...args: readonly string[]) => execFileSync('borg', args, { env, cwd: root, stdio: 'pipe' })
  borg('init', '--encryption=repokey')
  const store: BorgStore = {
    kind: 'borg',
    repository,
    passphrase: handle('REPOSITORY_PASSWORD'),
    newest: 30,
    variables: {},
  }
  let archives = 0
  return {
    ...onDisk,
    store,
    repository,
    folder: join(root, 'cache'),
    digests: 'none',
    replaces: false,
    places,
    names: oddNames,
    put: async (objects) => {
      archives += 1
      await putFiles(source, objects)
      borg('create', `::night-${archives}`, source)
      await rm(source, { recursive: true })
    },
    missing: { ...store, repository: join(root, 'no-such-repository') },
    refused: { ...store, passphrase: handle('WRONG') },
    close: () => rm(root, { recursive: true }),
  }
}

describe.skipIf(!program('rclone'))('by rclone', () => {
  placesContract('rclone, a folder', folderByRclone)
  placesContract('rclone, a bucket', bucketByRclone)

  test('a download that is cut continues where it was', { timeout: 120_000 }, async () => {
    const root = await rootFolder()
    await using server = await S3Server.start()
    await using proxy = await CuttingProxy.to(server.port)
    const config = join(root, 'rclone.conf')
    await writeFile(config, bucketConfig(proxy.port))
    const store: RcloneStore = {
      kind: 'rclone',
      remote: 'bucket:backups/shop',
      config,
      variables: { RCLONE_CONFIG_BUCKET_SECRET_ACCESS_KEY: handle('S3_SECRET') },
    }
    const body = Buffer.alloc(3_000_000, 'the bytes of a dump ')
    await server.put('shop/a.dump', body)
    const scope = watchedScope()
    const [object] = await places(scope).list(store, '*.dump')
    proxy.cutAfter = 1_000_000
    proxy.left = 1
    const to = join(root, 'a.dump')
    expect(await places(scope).fetch(store, object as StoredObject, to)).toMatchObject({
      sha256: sha256(body),
    })
    expect(proxy.cuts).toBe(1)
    await rm(root, { recursive: true })
  })
})

describe.skipIf(!program('restic'))('in restic', () => {
  placesContract('restic', resticWorld)

  describe('a repository', () => {
    let world: Awaited<ReturnType<typeof resticWorld>>
    beforeEach(async () => (world = await resticWorld()))
    afterEach(() => world.close())

    test('each snapshot of a file is a backup of its own, dated by the snapshot', async () => {
      await world.put({ 'shop.dump': 'the first night' })
      await world.put({ 'shop.dump': 'the second night' })
      const found = await places(watchedScope()).list(world.store, 'shop.dump')
      expect(found).toHaveLength(2)
      const texts = []
      for (const object of found) {
        expect(Math.abs(Date.parse(object.modifiedAt) - Date.now())).toBeLessThan(600_000)
        await places(watchedScope()).fetch(world.store, object, join(world.folder, 'shop.dump'))
        texts.push(Buffer.from((await world.local(join(world.folder, 'shop.dump'))) ?? []).toString())
      }
      expect(texts.sort()).toEqual(['the first night', 'the second night'])
    })

    test('a stale lock neither stops it nor is removed, nothing is written to the repository, and no argument holds the password', async () => {
      await world.put({ 'shop.dump': 'the bytes' })
      await putFile(join(world.repository, 'locks'), 'a'.repeat(64), 'a stale lock')
      const before = await treeOf(world.repository)
      const scope = watchedScope()
      const [object] = await places(scope).list(world.store, 'shop.dump')
      await places(scope).fetch(world.store, object as StoredObject, join(world.folder, 'x'))
      expect(await treeOf(world.repository)).toEqual(before)
      expect(scope.text(), 'the password in an argument').not.toContain(password)
    })

    test('damage in the repository fails the download, and leaves no file', async () => {
      await world.put({ 'shop.dump': Buffer.alloc(2_000_000, 'the bytes of a dump ') })
      const [object] = await places(watchedScope()).list(world.store, 'shop.dump')
      for (const pack of await treeOf(join(world.repository, 'data'))) {
        await chmod(join(world.repository, 'data', pack), 0o600)
        await writeFile(join(world.repository, 'data', pack), Buffer.alloc(5000, 1))
      }
      const to = join(world.folder, 'shop.dump')
      await rm(join(dirname(world.repository), '.cache'), { recursive: true, force: true })
      await expect(
        places(watchedScope()).fetch(world.store, object as StoredObject, to),
      ).rejects.toMatchObject({
        code: 'failed',
      })
      expect(await world.local(to)).toBeNull()
    })
  })
})

describe.skipIf(!program('borg'))('in Borg', () => {
  placesContract('Borg', borgWorld)

  describe('a repository', () => {
    let world: Awaited<ReturnType<typeof borgWorld>>
    beforeEach(async () => (world = await borgWorld()))
    afterEach(() => world.close())

    test('each archive is a backup of its own, dated by the archive in UTC; only the newest are searched', async () => {
      for (const night of ['first', 'second', 'third']) await world.put({ 'shop.dump': `the ${night} night` })
      const found = await places(watchedScope()).list({ ...world.store, newest: 2 }, 'shop.dump')
      expect(found.map(({ key }) => key.split('/')[0])).toEqual(['night-2', 'night-3'])
      for (const { modifiedAt } of found)
        expect(Math.abs(Date.parse(modifiedAt) - Date.now())).toBeLessThan(600_000)
    })

    test('a lock neither stops it nor is removed, and nothing is written to the repository', async () => {
      await world.put({ 'shop.dump': 'the bytes' })
      await mkdir(join(world.repository, 'lock.exclusive'))
      await writeFile(join(world.repository, 'lock.exclusive', 'another@host.1-0'), '')
      const before = await treeOf(world.repository)
      const [object] = await places(watchedScope()).list(world.store, 'shop.dump')
      await places(watchedScope()).fetch(world.store, object as StoredObject, join(world.folder, 'x'))
      expect(await treeOf(world.repository)).toEqual(before)
    })
  })
})

async function treeOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(folder.length + 1))
    .sort()
}
