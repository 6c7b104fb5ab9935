import { sha256 } from '../../../src/kernel/json.ts'
import { RunbookError } from '../../../src/kernel/errors.ts'
import { runbook } from '../../../src/model/runbook.ts'
import type { Target } from '../../../src/model/target.ts'
import { serverTime } from '../../../src/run/readiness/checks/clock.ts'
import { dumpBytes, fakeService, lay, type FakeWorld } from '../../../src/testing/index.ts'
import { goodOrders, layDump } from '../../steps/fake-shop.ts'
import { journalOf, proven, shop, succeeded, type Setting } from './healthy.ts'

/** Something that went wrong unnoticed in a healthy system, and what the doctor must say of it. */
export type Drift = {
  /** As listed in docs/doctor.md. */
  readonly what: string
  /** The check that reports it. */
  readonly check: string
  readonly level: 'refuse' | 'warn'
  readonly problem: RegExp
  readonly seed: (world: FakeWorld) => Setting | void
}

const dump = '/backups/db/shop-20260203_040000.dump'
const archive = '/backups/data/data-20260203_020000.tar.gz.gpg'
const holder = { run: 'their-run', by: 'ann', host: 'other', since: '2026-02-03T04:59:00Z' }

const service = (world: FakeWorld, name: string) => {
  const found = world.fleet.services.get(name)
  if (found?.instance == null) throw new Error(`the shop has no ${name}`)
  return { declared: found, instance: found.instance }
}

/** Gives the database a named volume, as if it had it from the start. */
function stored(world: FakeWorld): void {
  const { declared, instance } = service(world, 'db')
  declared.volumes = { '/data': 'shop_data' }
  declared.instance = { ...instance, volumes: declared.volumes }
}

function emptied(world: FakeWorld): void {
  const live = world.server.databases.get('shop')
  if (live !== undefined) world.server.databases.set('shop', { ...live, tables: {} })
}

const run = (more: Partial<ReturnType<typeof succeeded>>, world: FakeWorld): Setting => ({
  journal: journalOf([
    { ...succeeded('full-db-rollback', '2026-02-03T04:30:00Z'), ...more },
    ...proven(world),
  ]),
})

const withBackups = (more: Partial<NonNullable<Target['backups']>>): Setting => ({
  target: { ...shop, backups: { ...shop.backups!, ...more } },
})

const relay = (world: FakeWorld, file: string, body: Uint8Array | string): void => {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  lay(world.disk, file, bytes)
  lay(world.disk, `${file}.sha256`, `${sha256(bytes)}  ${file.slice(file.lastIndexOf('/') + 1)}\n`)
}

const made = {
  engine: 'postgres',
  major: 17,
  database: 'shop',
  takenAt: '2026-02-03T04:00:00Z',
  tables: { orders: goodOrders },
  roles: ['app'],
  extensions: [],
} as const

/** Its script reads what this target lacks. */
const broken = runbook('broken', { title: 'Broken', when: 'Never.', needs: [], params: {} }, () => {
  throw new Error('the queue is not configured')
})

export const drifts: readonly Drift[] = [
  {
    what: 'The journal is damaged or newer than the program',
    check: 'journal',
    level: 'refuse',
    problem: /cannot open the journal/,
    seed: () => ({
      journal: journalOf([], {
        problem: {
          code: 'journal',
          message: 'cannot open the journal /state/journal.db: file is not a database',
        },
      }),
    }),
  },
  {
    what: 'Entries of a run were altered',
    check: 'journal',
    level: 'refuse',
    problem: /entry 3 does not follow/,
    seed: (world) => ({
      journal: journalOf(proven(world), {
        damaged: new Map([['monthly-spot-restore-1', 'entry 3 does not follow the one before']]),
      }),
    }),
  },
  {
    what: 'The disk of the state folder is full',
    check: 'journal',
    level: 'refuse',
    problem: /\/state has 1 MB free/,
    seed: (world) => void (world.disk.freeBytes = 1_000_000),
  },
  {
    what: 'Others may read the key that signs evidence',
    check: 'keys',
    level: 'refuse',
    problem: /others may read it/,
    seed: () => ({
      host: {
        key: () =>
          Promise.reject(
            new RunbookError(
              'preflight',
              'cannot use evidence key /state/evidence-key.pem: others may read it',
            ),
          ),
      },
    }),
  },
  {
    what: 'Only signed backups are accepted, and the machine trusts no key',
    check: 'keys',
    level: 'refuse',
    problem: /no key to verify them with/,
    seed: () => ({
      ...withBackups({ require: 'signed' }),
      host: { key: async () => ({ is: 'none', fingerprint: null }) },
    }),
  },
  {
    what: 'A Compose file was moved',
    check: 'files',
    level: 'refuse',
    problem: /Compose file \/srv\/shop\/compose.yml not found/,
    seed: (world) => void world.disk.files.delete('/srv/shop/compose.yml'),
  },
  {
    what: 'The folder of the stack is gone',
    check: 'files',
    level: 'refuse',
    problem: /folder of the stack \/srv\/shop not found/,
    seed: (world) => {
      world.disk.files.delete('/srv/shop/compose.yml')
      world.disk.folders.delete('/srv/shop')
    },
  },
  {
    what: 'An env file is missing',
    check: 'files',
    level: 'refuse',
    problem: /env file \/srv\/shop\/.env not found/,
    seed: () => ({
      target: {
        ...shop,
        stack: { ...shop.stack, envFiles: ['/srv/shop/.env'] } as NonNullable<Target['stack']>,
      },
    }),
  },
  {
    what: 'Docker does not answer',
    check: 'services',
    level: 'refuse',
    problem: /cannot connect to Docker/,
    seed: (world) => void (world.fleet.reachable = false),
  },
  {
    what: 'gpg was removed, and backups are encrypted',
    check: 'programs',
    level: 'refuse',
    problem: /gpg is not installed/,
    seed: (world) => void world.programs.installed.delete('gpg'),
  },
  {
    what: 'A program that a release needs was removed',
    check: 'programs',
    level: 'refuse',
    problem: /npm is not installed/,
    seed: (world) => void world.programs.installed.delete('npm'),
  },
  {
    what: 'The variable with a passphrase is not set for this account',
    check: 'secrets',
    level: 'refuse',
    problem: /secret passphrase is not available: variable PASSPHRASE is missing/,
    seed: (world) => void world.environment.delete('PASSPHRASE'),
  },
  {
    what: 'A secret is too short to be masked',
    check: 'secrets',
    level: 'refuse',
    problem: /shorter than 8 bytes/,
    seed: (world) => void world.environment.set('PASSPHRASE', 'short'),
  },
  {
    what: 'A writer was renamed in the Compose file',
    check: 'services',
    level: 'refuse',
    problem: /shop declares no service worker; did you mean workers\?/,
    seed: (world) => {
      const { declared } = service(world, 'worker')
      world.fleet.services.delete('worker')
      world.fleet.services.set('workers', declared)
    },
  },
  {
    what: 'A service is stopped',
    check: 'services',
    level: 'refuse',
    problem: /service worker is stopped/,
    seed: (world) => void (service(world, 'worker').instance.state = 'stopped'),
  },
  {
    what: 'A service restarts again and again',
    check: 'services',
    level: 'refuse',
    problem: /service web is restarting/,
    seed: (world) => void (service(world, 'web').instance.state = 'restarting'),
  },
  {
    what: 'A service has no container',
    check: 'services',
    level: 'refuse',
    problem: /service worker is missing/,
    seed: (world) => void (service(world, 'worker').declared.instance = null),
  },
  {
    what: 'A container is unhealthy by its own check',
    check: 'services',
    level: 'refuse',
    problem: /service web is unhealthy/,
    seed: (world) => void (service(world, 'web').declared.health = 'unhealthy'),
  },
  {
    what: 'A service runs under another project name',
    check: 'services',
    level: 'refuse',
    problem: /the project other has one from the same files/,
    seed: (world) => {
      service(world, 'worker').declared.instance = null
      world.fleet.elsewhere = { worker: 'other' }
    },
  },
  {
    what: 'The Compose file names another image than the one that runs',
    check: 'services',
    level: 'warn',
    problem: /web of shop runs from another image/,
    seed: (world) => void (service(world, 'web').declared.declared = 'web:3'),
  },
  {
    what: 'A service was created with other settings than the files have now',
    check: 'services',
    level: 'warn',
    problem: /worker runs with other settings/,
    seed: (world) => void (service(world, 'worker').declared.settings = 'edited'),
  },
  {
    what: 'The stack was removed with its volumes',
    check: 'services',
    level: 'refuse',
    problem: /^db has no container, and its volume shop_data does not exist: what shop had in it is gone$/,
    seed: (world) => {
      stored(world)
      world.fleet.volumes = new Set()
      for (const one of world.fleet.services.values()) one.instance = null
    },
  },
  {
    what: 'The Compose file names another data volume than the one in use',
    check: 'services',
    level: 'warn',
    problem:
      /^db has its files in the volume shop_data, and the stack's files name the volume shop_new at \/data, which does not exist: recreated, it would start with an empty database$/,
    seed: (world) => {
      stored(world)
      world.fleet.volumes = new Set(['shop_data'])
      service(world, 'db').declared.volumes = { '/data': 'shop_new' }
    },
  },
  {
    what: 'The container of the database is gone, and its volume has another name in the Compose file',
    check: 'services',
    level: 'refuse',
    problem:
      /^db has no container, and its volume shop_new does not exist: created now, .* the volume shop_data of the same project/,
    seed: (world) => {
      stored(world)
      world.fleet.volumes = new Set(['shop_data'])
      Object.assign(service(world, 'db').declared, { volumes: { '/data': 'shop_new' }, instance: null })
    },
  },
  {
    what: 'The database was started on a new, empty volume beside the one with the data',
    check: 'services',
    level: 'warn',
    problem: /^shop has no table, and the volume shop_old of the same project/,
    seed: (world) => {
      stored(world)
      world.fleet.volumes = new Set(['shop_data', 'shop_old'])
      emptied(world)
    },
  },
  {
    what: 'This account may not write in the folder of the dumps',
    check: 'room',
    level: 'refuse',
    problem:
      /^this account cannot change what is in \/backups\/kept: it lacks the right to create and remove files/,
    seed: (world) => void world.disk.denied.add('/backups/kept'),
  },
  {
    what: 'The data of the database is in a volume without a name',
    check: 'services',
    level: 'warn',
    problem: /^the data of db \(\/data\) is in a volume without a name: removing the container, .* loses it$/,
    seed: (world) => {
      const { declared, instance } = service(world, 'db')
      declared.instance = { ...instance, unkept: { folder: '/data', in: 'volume' } }
    },
  },
  {
    what: 'The database has no table, and there are backups',
    check: 'database',
    level: 'refuse',
    problem: /^shop has no table, and there are backups of it, the newest shop-20260203_040000.dump$/,
    seed: (world) => emptied(world),
  },
  {
    what: 'A proxy before the health check is stopped',
    check: 'addresses',
    level: 'refuse',
    problem: /refused.*; proxy, which publishes port 80, is stopped$/,
    seed: (world) => {
      world.fleet.published = [{ service: 'proxy', port: 80 }]
      const proxy = fakeService('proxy:1')
      world.fleet.services.set('proxy', proxy)
      proxy.instance = { ...service(world, 'web').instance, state: 'stopped' }
      world.web.answers.delete('http://shop/health')
    },
  },
  {
    what: 'The database server does not answer',
    check: 'database',
    level: 'refuse',
    problem: /does not answer|cannot connect/,
    seed: (world) => void (world.server.reachable = false),
  },
  {
    what: 'The database accepts no writes',
    check: 'database',
    level: 'refuse',
    problem: /shop accepts no writes/,
    seed: (world) => void (world.server.acceptsWrites = false),
  },
  {
    what: 'The database was renamed',
    check: 'database',
    level: 'refuse',
    problem: /shop/,
    seed: (world) => {
      const live = world.server.databases.get('shop')!
      world.server.databases.delete('shop')
      world.server.databases.set('shop_new', live)
    },
  },
  {
    what: 'A copy of a killed run is left beside the database',
    check: 'database',
    level: 'warn',
    problem: /shop__rb_20260101_000000_abcde is a copy that a run left/,
    seed: (world) =>
      void world.server.databases.set('shop__rb_20260101_000000_abcde', {
        tables: { orders: goodOrders },
        generation: 'copy',
        owner: 'app',
      }),
  },
  {
    what: 'A health check answers with an error',
    check: 'addresses',
    level: 'refuse',
    problem: /http:\/\/shop\/health answers 500, not 200/,
    seed: (world) => void world.web.answers.set('http://shop/health', [{ status: 500 }]),
  },
  {
    what: 'The address of a health check is not reachable',
    check: 'addresses',
    level: 'refuse',
    problem: /refused/,
    seed: (world) => void world.web.answers.delete('http://shop/health'),
  },
  {
    what: 'A health check answers 200, and its body says otherwise',
    check: 'symptoms',
    level: 'warn',
    problem: /reports ok = false/,
    seed: (world) => void world.web.answers.set('http://shop/health', [{ status: 200, json: { ok: false } }]),
  },
  {
    what: 'No backup matches the pattern',
    check: 'backups',
    level: 'refuse',
    problem: /no backup prod-\{time\}.dump in \/backups\/db/,
    seed: () => withBackups({ pattern: 'prod-{time}.dump' }),
  },
  {
    what: 'No new backup has arrived',
    check: 'backups',
    level: 'refuse',
    problem: /at most 0.5 h are allowed/,
    seed: () => withBackups({ maxAgeSeconds: 1800 }),
  },
  {
    what: 'The newest backup is empty',
    check: 'backups',
    level: 'refuse',
    problem: /is empty \(0 bytes\)/,
    seed: (world) => relay(world, '/backups/db/shop-20260203_043000.dump', ''),
  },
  {
    what: 'The newest backup is too small',
    check: 'backups',
    level: 'refuse',
    problem: /fewer than the minimum|too small/,
    seed: (world) => relay(world, '/backups/db/shop-20260203_043000.dump', 'small'),
  },
  {
    what: 'The newest backup has no checksum',
    check: 'backups',
    level: 'refuse',
    problem: /no checksum for backup/,
    seed: (world) => void world.disk.files.delete(`${dump}.sha256`),
  },
  {
    what: 'A bit of the newest backup has flipped',
    check: 'backups',
    level: 'refuse',
    problem: /checksum|sha256|SHA-256/i,
    seed: (world) => {
      const body = Uint8Array.from(world.disk.files.get(dump)!)
      body[60] = (body[60] ?? 0) ^ 1
      lay(world.disk, dump, body)
    },
  },
  {
    what: 'The newest backup is less than half as large as usual',
    check: 'backups',
    level: 'warn',
    problem: /less than half of what the ones before had/,
    seed: (world) => {
      const large = { orders: Array.from({ length: 40 }, (_, id) => ({ id, total: 5 })) }
      for (const day of ['01', '02', '03']) layDump(world, `shop-202602${day}_010000.dump`, { tables: large })
    },
  },
  {
    what: 'The folder of backups is not mounted',
    check: 'backups',
    level: 'refuse',
    problem: /\/backups\/db/,
    seed: (world) => {
      for (const path of world.disk.files.keys())
        if (path.startsWith('/backups/db/')) world.disk.files.delete(path)
      world.disk.folders.delete('/backups/db')
    },
  },
  {
    what: 'New backups have names in which no time can be read',
    check: 'backups',
    level: 'warn',
    problem: /no time can be read in its name|no time can be read in the name/,
    seed: (world) => {
      relay(world, '/backups/db/shop-03.02.2026-0430.dump', dumpBytes(made))
      world.disk.modifiedAt.set('/backups/db/shop-03.02.2026-0430.dump', new Date('2026-02-03T04:30:00Z'))
    },
  },
  {
    what: 'The dump was truncated before its checksum was made',
    check: 'backups',
    level: 'refuse',
    problem: /truncated/,
    seed: (world) => relay(world, dump, dumpBytes(made).subarray(0, 150)),
  },
  {
    what: 'The file is not a dump',
    check: 'backups',
    level: 'refuse',
    problem: /is not a dump/,
    seed: (world) => relay(world, dump, 'pg_dump: error: connection to server failed'),
  },
  {
    what: 'The dump is of another database',
    check: 'runbooks',
    level: 'refuse',
    problem: /a dump of the database staging, not of shop/,
    seed: (world) => relay(world, dump, dumpBytes({ ...made, database: 'staging' })),
  },
  {
    what: 'The dump was made by a newer server',
    check: 'images',
    level: 'refuse',
    problem: /requires Postgres 18/,
    seed: (world) => relay(world, dump, dumpBytes({ ...made, major: 18 })),
  },
  {
    what: 'The dump needs an extension that the server lacks',
    check: 'runbooks',
    level: 'refuse',
    problem: /postgis/,
    seed: (world) => relay(world, dump, dumpBytes({ ...made, extensions: ['postgis'] })),
  },
  {
    what: 'The dump lacks a table that has rows live',
    check: 'runbooks',
    level: 'refuse',
    problem: /invoices/,
    seed: (world) =>
      void world.server.databases.set('shop', {
        ...world.server.databases.get('shop')!,
        tables: { orders: goodOrders, invoices: [{ id: 1 }] },
      }),
  },
  {
    what: 'Signed backups are required, and the newest one is not signed',
    check: 'backups',
    level: 'refuse',
    problem: /manifest/,
    seed: () => withBackups({ require: 'signed' }),
  },
  {
    what: 'The newest data archive was replaced after its checksum was made',
    check: 'backups',
    level: 'refuse',
    problem: /checksum|SHA-256/i,
    seed: (world) => lay(world.disk, archive, 'neither gpg nor tar, but long enough'),
  },
  {
    what: 'The image of the throwaway server is not on this machine',
    check: 'images',
    level: 'refuse',
    problem: /requires Postgres 17, and the image postgres:17-alpine is not on this machine/,
    seed: (world) => void world.images.images.delete(`sha256:${'a1'.repeat(32)}`),
  },
  {
    what: 'The image of a service was removed',
    check: 'images',
    level: 'warn',
    problem: /web is declared with web:2, which is not on this machine/,
    seed: (world) => {
      for (const [id, { tags }] of world.images.images)
        if (tags.includes('web:2')) world.images.images.delete(id)
    },
  },
  {
    what: 'The folder of backups is nearly full',
    check: 'room',
    level: 'warn',
    problem: /the next ones will not fit/,
    seed: (world) =>
      void world.disk.mounts.set('/backups/db', {
        device: 7,
        type: 'ext4',
        source: '/dev/sdb1',
        bytesTotal: 1e12,
        freeBytes: 100,
        dead: false,
      }),
  },
  {
    what: 'The drive with the backups hangs',
    check: 'backups',
    level: 'refuse',
    problem: /did not answer within 5 s/,
    seed: (world) =>
      void world.disk.mounts.set('/backups/db', {
        device: 7,
        type: 'nfs4',
        source: 'nas:/db',
        bytesTotal: 1e12,
        freeBytes: 1e11,
        dead: true,
      }),
  },
  {
    what: 'The clock of this machine went back',
    check: 'clock',
    level: 'refuse',
    problem: /the newest run began 2027-.*, which is in the future/,
    seed: (world) => run({ startedAt: '2027-01-01T00:00:00Z' }, world),
  },
  {
    what: 'The clock of the database server is wrong',
    check: 'clock',
    level: 'refuse',
    problem: /are 3600 s apart/,
    seed: (world) =>
      void world.server.answers.set(serverTime, () => [{ now: world.clock.now().getTime() / 1000 + 3600 }]),
  },
  {
    what: 'A backup is dated in the future',
    check: 'backups',
    level: 'refuse',
    problem: /dated in the future/,
    seed: (world) => void layDump(world, 'shop-20260301_040000.dump'),
  },
  {
    what: 'Another machine holds the lock on the database',
    check: 'locks',
    level: 'warn',
    problem: /database shop of shop\/db is held by run their-run \(ann on other/,
    seed: (world) => void world.locks.held.set('database shop of shop/db', holder),
  },
  {
    what: 'The server offers this account no lock',
    check: 'locks',
    level: 'warn',
    problem: /it cannot be locked: no permission/,
    seed: (world) => void world.locks.unavailable.set('database shop of shop/db', 'no permission'),
  },
  {
    what: 'A run is open and nobody works on it',
    check: 'runs',
    level: 'refuse',
    problem: /shop has an open run/,
    seed: (world) => run({ outcome: null, sealed: false }, world),
  },
  {
    what: 'The evidence of a run is not sealed',
    check: 'runs',
    level: 'warn',
    problem: /the evidence of full-db-rollback-1 \(full-db-rollback\) is not sealed/,
    seed: (world) => run({ sealed: false }, world),
  },
  {
    what: 'A drill has never been done',
    check: 'drills',
    level: 'warn',
    problem: /restore-test has never succeeded on shop/,
    seed: () => ({ journal: journalOf([]) }),
  },
  {
    what: 'A drill is overdue',
    check: 'drills',
    level: 'warn',
    problem: /restore-test is overdue: it last succeeded 33 days ago/,
    seed: () => ({ journal: journalOf([succeeded('restore-test', '2026-01-01T04:00:00Z')]) }),
  },
  {
    what: 'A drill that is due cannot run on the target',
    check: 'drills',
    level: 'warn',
    problem: /the drill restore-tests is due, and cannot run: there is no such runbook/,
    seed: () => ({ target: { ...shop, drills: [{ drill: 'restore-tests', everySeconds: 86_400 }] } }),
  },
  {
    what: 'The live data no longer meets an assertion that a restored copy must meet',
    check: 'symptoms',
    level: 'warn',
    problem: /assertion "there are orders" failed: found 0/,
    seed: (world) =>
      void world.server.databases.set('shop', {
        ...world.server.databases.get('shop')!,
        tables: { orders: [] },
      }),
  },
  {
    what: 'The database has two migration levels',
    check: 'symptoms',
    level: 'warn',
    problem: /2 migration levels/,
    seed: (world) => {
      world.server.databases.set('shop', {
        ...world.server.databases.get('shop')!,
        tables: { orders: goodOrders, alembic_version: [{ version_num: 'a' }, { version_num: 'b' }] },
      })
    },
  },
  {
    what: 'A service was killed since it was out of memory',
    check: 'symptoms',
    level: 'warn',
    problem: /worker was killed: out of memory/,
    seed: (world) => {
      const { instance } = service(world, 'worker')
      instance.outOfMemory = true
    },
  },
  {
    what: 'A runbook of the team cannot be planned',
    check: 'runbooks',
    level: 'refuse',
    problem: /the queue is not configured/,
    seed: () => ({ books: [broken] }),
  },
]
