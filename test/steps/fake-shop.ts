import type { Target } from '../../src/model/target.ts'
import { sha256 } from '../../src/kernel/json.ts'
import {
  archiveOf,
  dumpBytes,
  emptyDisk,
  emptyWeb,
  encrypted,
  fakeServer,
  lay,
  fakeWorld,
  noPrograms,
  fakeService,
  runningFleet,
  somebody,
  type FakeWorld,
} from '../../src/testing/index.ts'

const phrase = 'restore shop on pretended'
const passphrase = 'correct horse battery staple'

const stack = {
  kind: 'compose',
  project: 'shop',
  directory: '/srv/shop',
  files: ['/srv/shop/compose.yml'],
  envFiles: [],
  profiles: [],
  environment: {},
} as const
const place = (directory: string, pattern: string) =>
  ({ directory, pattern, maxAgeSeconds: 86_400, minBytes: 10, checksums: 'required' }) as const

/** A shop with everything that both procedures need. */
export const shop: Target = {
  // No target of this project's own configuration, whose names are a type.
  name: 'shop' as string as Target['name'],
  title: 'Shop',
  objectives: { rtoSeconds: 3600, rpoSeconds: 86_400 },
  stack,
  writers: { stack, names: ['web', 'worker'] },
  database: {
    engine: 'postgres',
    name: 'shop',
    user: 'app',
    via: { kind: 'compose', stack, service: 'db' },
    confirmPhrase: phrase,
    fingerprint: 'rows-and-digest',
  },
  backups: place('/backups/db', 'shop-{time}.dump'),
  assertions: [{ name: 'there are orders', sql: 'select count(*) from orders', expect: { atLeast: 1 } }],
  health: [
    {
      name: 'web',
      url: 'http://shop/health',
      status: 200,
      passes: 2,
      withinSeconds: 60,
      everySeconds: 1,
      timeoutSeconds: 1,
      json: { ok: true },
      bearer: null,
    },
  ],
  smoke: { stack, service: 'smoke', command: [] },
  retention: { dumps: '/backups/kept', keepOldSeconds: 86_400, dumpOld: true },
  bundle: {
    place: place('/backups/releases', 'bundle-{time}.tar.gz'),
    install: ['npm', 'ci'],
    dryRun: ['node', 'server.js', '--dry-run'],
    environment: {},
  },
  data: {
    place: place('/backups/data', 'data-{time}.tar.gz.gpg'),
    passphrase: { secret: 'passphrase', from: { env: 'PASSPHRASE' } },
    keyFiles: [
      { path: 'config.json', parse: 'json', minBytes: 2, expect: { 'shop.name': 'Shop' } },
      { path: 'shop.db', parse: 'sqlite', minBytes: 16, expect: {} },
    ],
  },
  staging: '/srv/staging',
  checklist: { file: '/artifacts/checklist.md' },
  settings: {},
}

export const goodOrders = [
  { id: 1, total: 5 },
  { id: 2, total: 7 },
]
export const badOrders = [{ id: 1, total: -5 }]

/** A dump with its checksum. */
export function layDump(
  world: FakeWorld,
  name: string,
  more: Partial<Parameters<typeof dumpBytes>[0]> = {},
): string {
  const file = `/backups/db/${name}`
  const body = dumpBytes({
    engine: 'postgres',
    major: 17,
    database: 'shop',
    takenAt: null,
    tables: { orders: goodOrders },
    roles: [],
    extensions: [],
    ...more,
  })
  lay(world.disk, file, body)
  lay(world.disk, `${file}.sha256`, `${sha256(body)}  ${name}\n`)
  return file
}

/** The shop after a bad deployment, with good backups of the hour before. */
export function damagedShop(): FakeWorld {
  const disk = emptyDisk()
  const web = emptyWeb()
  const programs = noPrograms()
  for (const folder of ['/backups/kept', '/srv', '/srv/staging', '/artifacts']) disk.folders.add(folder)
  const backup = (path: string, body: Uint8Array): void => {
    lay(disk, path, body)
    lay(disk, `${path}.sha256`, `${sha256(body)}  ${path.slice(path.lastIndexOf('/') + 1)}\n`)
  }
  backup(
    '/backups/db/shop-20260203_040000.dump',
    dumpBytes({
      engine: 'postgres',
      major: 17,
      database: 'shop',
      takenAt: '2026-02-03T04:00:00Z',
      tables: { orders: goodOrders },
      roles: ['app'],
      extensions: [],
    }),
  )
  backup(
    '/backups/releases/bundle-20260203_030000.tar.gz',
    archiveOf([
      { name: 'shop-1.2/', kind: 'folder' },
      { name: 'shop-1.2/server.js', kind: 'file', body: 'serve()' },
    ]),
  )
  backup(
    '/backups/data/data-20260203_020000.tar.gz.gpg',
    encrypted(
      archiveOf([
        { name: 'config.json', kind: 'file', body: '{"shop":{"name":"Shop"}}' },
        { name: 'shop.db', kind: 'file', body: 'SQLite format 3\0…' },
      ]),
      passphrase,
    ),
  )
  web.answers.set('http://shop/health', [{ status: 200, json: { ok: true } }])
  for (const [name, version] of [
    ['npm', '11.0.0'],
    ['node', '24.1.0'],
    ['gpg', '2.4.0'],
  ] as const)
    programs.installed.set(name, { version })
  const fleet = runningFleet({ web: 'web:2', worker: 'worker:2', db: 'postgres:17' })
  fleet.services.set(
    'smoke',
    fakeService('smoke:2', () => ({ exitCode: 0, output: 'smoke is fine\n' })),
  )
  return fakeWorld({
    disk,
    web,
    programs,
    fleet,
    server: fakeServer({ shop: { orders: badOrders } }),
    person: somebody(phrase, phrase, phrase, phrase),
    environment: { PASSPHRASE: passphrase },
  })
}
