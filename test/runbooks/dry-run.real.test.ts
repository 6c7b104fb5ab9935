import { readdir, stat } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { allowedWrites, asksGit, strangers } from '../fixtures/allowed-writes.ts'
import { expectAsForetold, newestRun } from '../fixtures/foretold-and-found.ts'
import { damagedData, goodData, LocalShop } from '../fixtures/local-shop.ts'
import { program } from '../fixtures/requirements.ts'
import { SpotSite } from '../fixtures/spot-site.ts'
import { Trace } from '../fixtures/strace.ts'

vi.setConfig({ testTimeout: 180_000 })

/** Programs that only look: the tool that ties a child to us, and what answers for its version or looks into SQLite files in a process of its own. */
const looking = [
  asksGit,
  /^\/usr\/bin\/setpriv (--pdeathsig KILL -- \/usr\/bin\/setpriv )?--help$/,
  /^(\/usr\/bin\/setpriv --pdeathsig KILL -- )?\S*node \S+\/src\/adapters\/sqlite\/work\.ts$/,
  /^(\/usr\/bin\/setpriv --pdeathsig KILL -- )?\S*(npm|node|gpg) (\S*npm )?--version$/,
  /^(\/usr\/bin\/setpriv --pdeathsig KILL -- )?\/usr\/bin\/(readlink -e|stat( -f)? -c [%\w ]+) -- \//,
  /^\S*node (--import \S+\/hooks\.js )?\S+\/bin\/runbook\.js run /,
]

describe.skipIf(!program('strace'))('what a dry run asks of the kernel', () => {
  it.each(['beside', 'in-place'])(
    'full-db-rollback on SQLite and processes, %s: writes evidence and journal only, and the real run goes as it foretold',
    async (strategy) => {
      await using shop = await LocalShop.open()
      using trace = new Trace()
      // Readers of a live database share its log and the index of that with the writer, and SQLite opens both so that they could write.
      const log = [`${shop.file}-wal`, `${shop.file}-shm`]
      const inodes = async (): Promise<readonly number[]> =>
        Promise.all([shop.file, ...log].map(async (path) => (await stat(path)).ino))
      const before = await inodes()
      const finished = await shop.type(shop.rollback('--dry-run', '--strategy', strategy), {
        under: trace.argv,
      })
      expect(finished.code, finished.stdout + finished.stderr).toBe(0)
      expect(trace.changed()).toContain(join(shop.folder, 'state', 'journal.db'))
      expect(
        strangers(
          trace.changed(),
          allowedWrites(shop.folder, join(shop.folder, 'artifacts'), tmpdir()),
        ).filter((path) => !log.includes(path)),
      ).toEqual([])
      expect(log.flatMap((path) => trace.writesTo(path))).toEqual([])
      expect(await inodes()).toEqual(before)
      expect(strangers(trace.programs(), looking)).toEqual([])
      expect(trace.connections()).toEqual([`127.0.0.1:${shop.port}`])
      expect(trace.signals()).toEqual([])
      expect(shop.data()).toEqual(damagedData)
      expect(await shop.appState()).toBe('running')

      const foretold = await newestRun(join(shop.folder, 'artifacts'))
      const real = await shop.type(shop.rollback('--strategy', strategy))
      expect(real.code, real.stdout + real.stderr).toBe(0)
      expect(shop.data()).toEqual(goodData)
      await expectAsForetold(foretold, join(shop.folder, 'artifacts'))
    },
  )

  it('monthly-spot-restore, encrypted: likewise', async () => {
    const passphrase = 'correct-horse-battery-staple'
    await using site = await SpotSite.open()
    const hour = 3_600_000
    await site.release(new Date(Date.now() - 24 * hour))
    await site.archive(new Date(Date.now() - 2 * hour), { passphrase })
    using trace = new Trace()
    const environment = { CODEX_BACKUP_GPG_KEY: passphrase, HOME: homedir() }
    const finished = await site.start(
      ['run', 'monthly-spot-restore', '--story', '3.10', '--dry-run'],
      environment,
      trace.argv,
    ).finished
    expect(finished.code, finished.stdout + finished.stderr).toBe(0)
    expect(strangers(trace.changed(), allowedWrites(site.folder, site.artifacts, site.temporary))).toEqual([])
    expect(strangers(trace.programs(), looking)).toEqual([])
    expect(trace.connections()).toEqual([])
    expect(trace.signals()).toEqual([])
    expect(await readdir(site.folder)).not.toContain('staging')
    expect(await site.story()).not.toContain('monthly-spot-restore')
    expect(await site.checklist()).toEqual([])

    const foretold = await newestRun(site.artifacts)
    const real = await site.spotRestore([], environment)
    expect(real.code, real.stdout + real.stderr).toBe(0)
    await expectAsForetold(foretold, site.artifacts)
  })

  it('is seen to change things where it is no dry run', async () => {
    await using shop = await LocalShop.open()
    using trace = new Trace()
    const running = shop.start(shop.rollback(), { under: trace.argv })
    await running.says('Evidence: ')
    // The app that the run has started is watched too, and lives on.
    await shop.stopApp()
    expect((await running.finished).code).toBe(0)
    const seen = strangers(
      trace.changed(),
      allowedWrites(shop.folder, join(shop.folder, 'artifacts'), tmpdir()),
    )
    expect(seen).toContain(shop.file)
    expect(trace.writesTo(join(shop.folder, 'state', 'journal.db-wal'))).not.toEqual([])
    expect(seen.some((path) => path.startsWith(join(shop.folder, 'dumps')))).toBe(true)
    expect(
      strangers(trace.programs(), looking).some((line) => line.includes('local-shop-app.ts serve')),
    ).toBe(true)
    expect(trace.signals()).not.toEqual([])
  })
})
