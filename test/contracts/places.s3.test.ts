import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { digestIn } from '../../src/adapters/places/s3.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { CuttingProxy } from '../fixtures/cutting-proxy.ts'
import { listServer, S3Server, s3Key } from '../fixtures/s3-server.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { onDisk, placesWith } from '../fixtures/stored-places.ts'
import { placesContract } from './places.contract.ts'

const places = placesWith({ S3_SECRET: s3Key.secret })

placesContract('S3', async () => {
  const server = await S3Server.start()
  const root = await mkdtemp(join(tmpdir(), 'runbook-places-'))
  return {
    ...onDisk,
    store: server.store(),
    folder: join(root, 'cache'),
    digests: 'kept',
    replaces: true,
    places,
    // The server keeps objects as files and does not encode its lists.
    names: ['with blank.dump', 'ünï✓.dump', "quote'.dump", 'plus+and%41.dump', '2026/02-03/deep.dump'],
    put: async (objects) => {
      for (const [name, body] of Object.entries(objects)) await server.put(`shop/${name}`, body)
    },
    missing: server.store({ bucket: 'no-such-bucket' }),
    refused: server.store({
      credentials: {
        id: 'ANOTHERKEY',
        key: { secret: 'S3_SECRET', from: { env: 'S3_SECRET' } },
        token: null,
      },
    }),
    close: async () => {
      await server[Symbol.asyncDispose]()
      await rm(root, { recursive: true })
    },
  }
})

describe('S3', () => {
  let server: S3Server
  let root: string
  beforeAll(async () => {
    server = await S3Server.start()
    root = await mkdtemp(join(tmpdir(), 'runbook-places-'))
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await rm(root, { recursive: true })
  })
  const behind = (proxy: CuttingProxy, prefix: string) =>
    server.store({ prefix, endpoint: `http://127.0.0.1:${proxy.port}` })
  const large = Buffer.alloc(3_000_000, 'the bytes of a dump ')

  test.each(['variables', 'a profile'])(
    'credentials that the client finds in %s are masked',
    async (where) => {
      await server.put('own/a.dump', 'a dump')
      const known: string[] = []
      const found = placesWith({}, (secret) => known.push(secret.reveal()))(watchedScope())
      const files = await mkdtemp(join(root, 'aws-'))
      const profile = `[backups]\naws_access_key_id = ${s3Key.id}\naws_secret_access_key = ${s3Key.secret}\naws_session_token = token-of-a-profile\n`
      await writeFile(join(files, 'credentials'), profile)
      for (const [name, value] of Object.entries(
        where === 'variables'
          ? {
              AWS_ACCESS_KEY_ID: s3Key.id,
              AWS_SECRET_ACCESS_KEY: s3Key.secret,
              AWS_SESSION_TOKEN: 'token-of-variables',
            }
          : {
              AWS_ACCESS_KEY_ID: undefined,
              AWS_SECRET_ACCESS_KEY: undefined,
              AWS_PROFILE: 'backups',
              AWS_SHARED_CREDENTIALS_FILE: join(files, 'credentials'),
              AWS_CONFIG_FILE: join(files, 'config'),
            },
      ))
        vi.stubEnv(name, value)
      try {
        const listed = await found.list(server.store({ prefix: 'own', credentials: null }), '*.dump')
        expect(listed.map(({ key }) => key)).toEqual(['a.dump'])
      } finally {
        vi.unstubAllEnvs()
      }
      expect(new Set(known)).toEqual(
        new Set([s3Key.secret, where === 'variables' ? 'token-of-variables' : 'token-of-a-profile']),
      )
    },
  )

  test('a download that is cut continues where it was, as long as bytes arrive', async () => {
    await using proxy = await CuttingProxy.to(server.port)
    const store = behind(proxy, 'cut')
    await server.put('cut/a.dump', large)
    const scope = watchedScope()
    const [object] = await places(scope).list(store, '*.dump')
    proxy.cutAfter = 700_000
    const to = join(root, 'a.dump')
    expect(await places(scope).fetch(store, object!, to)).toEqual({
      bytes: large.length,
      sha256: sha256(large),
      resumedAt: 0,
    })
    expect(proxy.cuts).toBeGreaterThan(2)
    const done = scope.steps.map((step) => step.done)
    expect(done).toEqual(done.toSorted((one, other) => one - other))
    expect((await stat(to)).mtime.toISOString()).toBe(object!.modifiedAt)
  })

  test('a download that is stopped leaves what the next one continues, and no other', async () => {
    await server.put('stop/a.dump', large)
    const store = server.store({ prefix: 'stop' })
    const stop = new AbortController()
    const reason = new Error('killed')
    const scope = watchedScope({
      signal: stop.signal,
      progress: ({ done }) => done > 1_000_000 && stop.abort(reason),
    })
    const [object] = await places(scope).list(store, '*.dump')
    const to = join(root, 'stopped.dump')
    await expect(places(scope).fetch(store, object!, to)).rejects.toBe(reason)
    expect(await onDisk.local(to)).toBeNull()
    const left = (await stat(`${to}.partial`)).size
    expect(left).toBeGreaterThan(0)

    expect(await places(watchedScope()).fetch(store, object!, to)).toEqual({
      bytes: large.length,
      sha256: sha256(large),
      resumedAt: left,
    })
    expect(await onDisk.local(`${to}.partial.json`)).toBeNull()
  })

  test('what was left of another version is not continued', async () => {
    await server.put('other/a.dump', large)
    const store = server.store({ prefix: 'other' })
    const stop = new AbortController()
    const scope = watchedScope({ signal: stop.signal, progress: () => stop.abort(new Error('stopped')) })
    const [object] = await places(scope).list(store, '*.dump')
    const to = join(root, 'other.dump')
    await places(scope)
      .fetch(store, object!, to)
      .catch(() => undefined)
    const newer = Buffer.alloc(large.length, 'newer bytes, of equal length ')
    await server.put('other/a.dump', newer)
    const [now] = await places(watchedScope()).list(store, '*.dump')
    expect(await places(watchedScope()).fetch(store, now!, to)).toMatchObject({
      sha256: sha256(newer),
      resumedAt: 0,
    })
  })

  test('damage on this machine is found by the digest that the place keeps', async () => {
    await server.put('damage/a.dump', large)
    const store = server.store({ prefix: 'damage' })
    const stop = new AbortController()
    const scope = watchedScope({ signal: stop.signal, progress: () => stop.abort(new Error('stopped')) })
    const [object] = await places(scope).list(store, '*.dump')
    const to = join(root, 'damaged.dump')
    await places(scope)
      .fetch(store, object!, to)
      .catch(() => undefined)
    const partial = Buffer.from((await onDisk.local(`${to}.partial`)) ?? [])
    partial[7] = 0
    await onDisk.write(`${to}.partial`, partial)
    await expect(places(watchedScope()).fetch(store, object!, to)).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringMatching(/its MD5 is [0-9a-f]{32}, and the place states [0-9a-f]{32}/),
    })
    expect(await onDisk.local(to)).toBeNull()
    expect(await onDisk.local(`${to}.partial`)).toBeNull()
  })

  test('a connection that brings nothing fails after a few tries', async () => {
    await using proxy = await CuttingProxy.to(server.port)
    const store = behind(proxy, 'vain')
    await server.put('vain/a.dump', large)
    const [object] = await places(watchedScope()).list(store, '*.dump')
    proxy.cutAfter = 0
    await expect(places(watchedScope()).fetch(store, object!, join(root, 'vain.dump'))).rejects.toMatchObject(
      {
        code: 'preflight',
        message: expect.stringContaining('it is not reachable'),
      },
    )
  }, 60_000)

  test('a server that is not there is not reachable', async () => {
    const store = server.store({ endpoint: 'http://127.0.0.1:1' })
    await expect(places(watchedScope()).list(store, '*.dump')).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('cannot list s3://backups/shop: it is not reachable'),
      down: 's3://backups/shop',
    })
  }, 60_000)

  test('two runs do not write one file', async () => {
    await server.put('both/a.dump', large)
    const store = server.store({ prefix: 'both' })
    const [object] = await places(watchedScope()).list(store, '*.dump')
    const to = join(root, 'both.dump')
    const ended = await Promise.allSettled([
      places(watchedScope({ run: 'one' })).fetch(store, object!, to),
      places(watchedScope({ run: 'two' })).fetch(store, object!, to),
    ])
    expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(JSON.stringify(ended.map((one) => (one.status === 'rejected' ? String(one.reason) : '')))).toMatch(
      /the run (one|two) is downloading it/,
    )
  })

  test('a list of many pages is complete, with names that XML cannot contain', async () => {
    const keys = Array.from({ length: 10_000 }, (_, index) => `shop/2026/02-03/shop \n✓+%_${index}.dump`)
    await using lists = await listServer(keys)
    const found = await places(watchedScope()).list(
      server.store({ endpoint: `http://127.0.0.1:${lists.port}` }),
      '*.dump',
    )
    expect(found.map(({ key }) => `shop/${key}`)).toEqual(keys)
    expect(lists.asked).toBe(10)
  })
})

describe('the digest of an S3 object', () => {
  const md5 = 'd41d8cd98f00b204e9800998ecf8427e'
  const checksum = Buffer.from(sha256('x'), 'hex').toString('base64')
  test.each([
    ['the ETag of one part is an MD5', { ETag: `"${md5}"` }, { algorithm: 'md5', hex: md5 }],
    ['that of several parts is none', { ETag: `"${md5}-3"` }, null],
    [
      'nor that of an object encrypted by KMS',
      { ETag: `"${md5}"`, ServerSideEncryption: 'aws:kms' as const },
      null,
    ],
    ["nor with a customer's key", { ETag: `"${md5}"`, SSECustomerAlgorithm: 'AES256' }, null],
    [
      'a checksum of the object counts first',
      { ETag: `"${md5}-3"`, ChecksumSHA256: checksum },
      { algorithm: 'sha256', hex: sha256('x') },
    ],
    ['one of its parts does not', { ETag: `"${md5}-3"`, ChecksumSHA256: `${checksum}-3` }, null],
    [
      'nor where only its type says so',
      { ETag: `"${md5}-3"`, ChecksumSHA256: checksum, ChecksumType: 'COMPOSITE' as const },
      null,
    ],
  ] as const)('%s', (_, head, digest) => {
    expect(digestIn(head)).toEqual(digest)
  })
})
