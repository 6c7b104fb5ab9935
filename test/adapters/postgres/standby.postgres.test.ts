import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ExactDump } from '../../../src/drivers/databases.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { requirement, serverFixture, type ServerFixture } from '../../fixtures/postgres-server.ts'
import { ask } from '../../fixtures/postgres-world.ts'
import { watchedScope } from '../../fixtures/scope.ts'

/** A server with `standby.signal` stays in recovery and answers read-only, whether or not it has a primary. */
describe.skipIf(!requirement())('a standby of PostgreSQL', () => {
  let fixture: ServerFixture
  let world: Awaited<ReturnType<ServerFixture['world']>>
  let dump: ExactDump
  let standby: ChildProcess | undefined

  beforeAll(async () => {
    fixture = await serverFixture()
    world = await fixture.world()
    dump = await fixture.databases(watchedScope()).dump(world.database, 'shop', world.place('shop.dump'))
    const { cluster } = fixture
    process.kill(cluster.pid, 'SIGINT')
    await eventually(
      () =>
        stat(join(cluster.dataDir, 'postmaster.pid')).then(
          () => false,
          () => true,
        ),
      'the primary is down',
    )
    await writeFile(join(cluster.dataDir, 'standby.signal'), '')
    const { uid, gid } = await stat(cluster.dataDir)
    const account = process.getuid?.() === 0 ? [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : []
    const server = [
      join(cluster.bin, 'postgres'),
      '-D',
      cluster.dataDir,
      '-h',
      '127.0.0.1',
      '-p',
      String(cluster.port),
      '-k',
      cluster.socketDir,
    ]
    standby = spawn('setpriv', [...account, '--pdeathsig=QUIT', '--', ...server], {
      cwd: cluster.socketDir,
      stdio: 'ignore',
    })
    await eventually(
      () =>
        ask(cluster.url, 'SELECT 1').then(
          () => true,
          () => false,
        ),
      'the standby answers',
    )
  })
  afterAll(async () => {
    if (standby?.exitCode === null) {
      standby.kill('SIGINT')
      await once(standby, 'exit')
    }
    await fixture?.stop()
    // The world cannot close by itself: a standby drops no database.
    if (dump !== undefined) await rm(dirname(dump.file), { recursive: true, force: true })
  })

  test('says that it takes no writes, and lets itself be read', async () => {
    const databases = fixture.databases(watchedScope())
    expect(await databases.identity(world.database)).toMatchObject({ acceptsWrites: false })
    expect((await databases.fingerprint(world.database, 'shop')).tables).toHaveLength(2)
  })

  test('is refused by every restore before anything starts', async () => {
    const databases = fixture.databases(watchedScope())
    const refused = { code: 'preflight', message: expect.stringContaining('standby') }
    await expect(databases.restoreBeside(world.database, dump, 'shop__rb_staged')).rejects.toMatchObject(
      refused,
    )
    await expect(databases.restoreInPlace(world.database, dump)).rejects.toMatchObject(refused)
  })
})
