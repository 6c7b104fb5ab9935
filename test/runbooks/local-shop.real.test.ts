import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { damagedData, goodData, LocalShop } from '../fixtures/local-shop.ts'
import { SmallDisk } from '../fixtures/loop-disk.ts'
import { canMount } from '../fixtures/requirements.ts'
import { squat } from '../fixtures/squatter.ts'
import type { Finished, Typed } from '../fixtures/typed.ts'

const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

// Each of these types several commands; a busy machine takes its time for each.
vi.setConfig({ testTimeout: 180_000 })

let shop: LocalShop
beforeEach(async () => {
  shop = await LocalShop.open({ orders: 20_000 })
})
afterEach(() => shop[Symbol.asyncDispose]())

/** As it was before: the damaged data, the app on it, and no copy left beside it but one that was live. */
const asBefore = async (): Promise<void> => {
  expect(shop.data()).toEqual({ ...damagedData, worthless: 6_666 })
  expect(await shop.appState()).toBe('running')
  expect(
    (await readdir(join(shop.folder, 'data'))).filter(
      (name) => !/^shop\.db(-wal|-shm)?$|__kept_\d{8}_\d{6}_\w+$/.test(name),
    ),
  ).toEqual([])
}
const asRestored = async (): Promise<void> => {
  expect(shop.data()).toEqual(goodData)
  expect(await shop.appState()).toBe('running')
}
const sealed = async (): Promise<void> => {
  for (const name of (await readdir(join(shop.folder, 'artifacts', '_'))).filter((one) =>
    /^\d{4}-/.test(one),
  )) {
    const { code, stdout, stderr } = await shop.type(['evidence', 'verify', join('artifacts', '_', name)])
    expect(code, stdout + stderr).toBe(0)
  }
}

describe('killed at the beginning of a step', () => {
  // From outside, at what the program shows; test/crash kills every step of both strategies from within.
  it.each([
    ['beside', 'Swap the restored database in'],
    ['in-place', 'Restore the dump in place'],
  ])('%s: %s', async (strategy, step) => {
    for (const way of ['rollback', 'resume'] as const) {
      const running = shop.start(shop.rollback('--strategy', strategy))
      await running.says(`[STARTED] ${step}`)
      running.child.kill('SIGKILL')
      expect((await running.finished).signal).toBe('SIGKILL')
      const finished = await shop.type([way, '--confirm', shop.phrase])
      expect(finished.code, whole(finished)).toBe(0)
      await (way === 'rollback' ? asBefore() : asRestored())
    }
    await sealed()
  })
})

describe('told to stop', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('%s: after the step at hand, from where it goes on', async (signal, exit) => {
    const running = shop.start(shop.rollback())
    await running.says('[STARTED] Restore beside')
    running.child.kill(signal)
    const finished = await running.finished
    expect(finished.code, whole(finished)).toBe(exit)
    expect(finished.stdout).toMatch(
      /Stopped between two steps: Full DB rollback \(production\) on shop\.\nChanged and not undone: Restore beside the live database\n5 of 13 steps are done\.\nResume with:\n {2}runbook resume \S+\nor roll back with:\n {2}runbook rollback \S+\n/,
    )
    expect(whole(finished)).not.toContain('[COMPLETED] Assert on the copy')
    const resumed = await shop.type(['resume'])
    expect(resumed.code, whole(resumed)).toBe(0)
    await asRestored()
    await sealed()
  })

  it('twice, while health does not come: at once, with the step in doubt, and back', async () => {
    await writeFile(shop.unhealthy, '')
    await shop.configure({
      target: `health: [{ name: 'app', url: 'http://127.0.0.1:${shop.port}/', passes: 2, within: '10m', every: '1s' }],`,
    })
    const running = shop.start(shop.rollback())
    await running.says('answered 500')
    running.child.kill('SIGINT')
    await running.says('Ctrl-C: stopping after this step')
    running.child.kill('SIGINT')
    const finished = await running.finished
    expect(finished.code, whole(finished)).toBe(130)
    expect(finished.stdout).toContain(
      '"Check health" was interrupted; a resume first checks whether it took effect.',
    )
    const back = await shop.type(['rollback'])
    expect(back.code, whole(back)).toBe(0)
    await asBefore()
    await sealed()
  })

  it('on the way back: the rest of the way is left for later', async () => {
    await writeFile(shop.unhealthy, '')
    const running = shop.start(shop.rollback())
    await running.says('[STARTED] Rolling back: undo Swap')
    running.child.kill('SIGTERM')
    const finished = await running.finished
    expect(finished.code, whole(finished)).toBe(143)
    expect(finished.stdout).toMatch(/Finish the rollback with:\n {2}runbook rollback \S+\n/)
    expect((await shop.type(['resume'])).stderr).toContain('it is already rolling back')
    const back = await shop.type(['rollback'])
    expect(back.code, whole(back)).toBe(0)
    await asBefore()
    await sealed()
  })
})

describe('the port is taken as soon as the app lets go of it', () => {
  const arranged = async (): Promise<{ readonly running: Typed; readonly release: () => Promise<void> }> => {
    const running = shop.start(shop.rollback())
    await running.says('[STARTED] Assert on the copy')
    return { running, ...squat(shop.port) }
  }
  const why =
    /cannot start app of local-shop: it exited at once: Error: listen EADDRINUSE: address already in use 127\.0\.0\.1:\d+/

  it('the start fails, and everything goes back once the port is free', async () => {
    const { running, release } = await arranged()
    await running.says('Rolling back')
    await release()
    const finished = await running.finished
    expect(finished.code, whole(finished)).toBe(10)
    expect(finished.stdout).toMatch(why)
    await asBefore()
    await sealed()
  })

  it('and stays taken: the rollback is incomplete, says so, and is finished later', async () => {
    const { running, release } = await arranged()
    const finished = await running.finished
    expect(finished.code, whole(finished)).toBe(11)
    expect(finished.stdout).toMatch(new RegExp(`cannot undo "Stop writers": ${why.source}`))
    expect(finished.stdout).toMatch(
      /Undone: .*Swap the restored database in.*\nCould not be undone: Stop writers\nNot undone yet: Restore beside the live database\n/,
    )
    expect(await shop.appState()).toBe('stopped')
    await release()
    const back = await shop.type(['rollback'])
    expect(back.code, whole(back)).toBe(0)
    await asBefore()
    await sealed()
  })
})

describe.skipIf(!canMount())('a disk that is full', () => {
  let disk: SmallDisk
  const on = async (
    kilobytes: number,
    options: (path: string) => Parameters<LocalShop['configure']>[0],
  ): Promise<void> => {
    disk = new SmallDisk(kilobytes)
    await shop.configure(options(disk.path))
  }
  afterEach(() => disk.destroy())

  it('of the dumps, in place: refused or failed before anything is replaced, and back', async () => {
    await on(256, (path) => ({ target: `retention: { dumps: ${JSON.stringify(path)} },` }))
    disk.fill()
    const finished = await shop.type(shop.rollback('--strategy', 'in-place'))
    expect([3, 10], whole(finished)).toContain(finished.code)
    expect(whole(finished)).toMatch(/no space|full|bytes/i)
    await asBefore()
    expect((await readdir(disk.path)).filter((name) => name !== 'filler')).toEqual([])
    await sealed()
  })

  it('of the dumps, behind the point of no return: waits for room, and goes on', async () => {
    await on(8192, (path) => ({ target: `retention: { dumps: ${JSON.stringify(path)} },` }))
    const running = shop.start(shop.rollback())
    await running.says('[STARTED] Restore beside')
    disk.fill()
    const finished = await running.finished
    expect(finished.code, whole(finished)).toBe(12)
    expect(finished.stdout).toMatch(
      / cannot copy \S+ to \S+\/runbook-small-\S+: .*disk is full\n {2}hint: free space: df -h \S+\/runbook-small-\S+\n/,
    )
    expect(finished.stdout).toContain('It is past its point of no return and cannot be rolled back.')
    await asRestored()
    disk.empty()
    const resumed = await shop.type(['resume'])
    expect(resumed.code, whole(resumed)).toBe(0)
    expect((await readdir(disk.path)).some((name) => name.includes('replaced'))).toBe(true)
    await sealed()
  })

  it.each([
    [
      'with the checklist elsewhere: done, and not proven',
      "checklist: './checklist.md',",
      /Completed, but the evidence could not be sealed: Full DB rollback[^]*its evidence could not be sealed[^]*no space[^]*hint: free some space, then seal it with `runbook resume \S+`/i,
    ],
    [
      'with the checklist in it: for a person',
      '',
      /In doubt; a person must decide: Full DB rollback[^]*restore-checklist\.md: no space/i,
    ],
  ])('of the evidence, %s; the outcome stands, and it is sealed later', async (_, target, words) => {
    await on(8192, (path) => ({
      target,
      config: `artifacts: ${JSON.stringify(join(path, 'artifacts'))}, stories: { files: 'story-{story}.md' },`,
    }))
    await writeFile(join(shop.folder, 'story-7.md'), '# Seven\n')
    const running = shop.start(shop.rollback('--story', '7'))
    await running.says('[STARTED] Restore beside')
    disk.fill()
    const finished = await running.finished
    expect(finished.code, whole(finished)).toBe(12)
    expect(finished.stdout).toMatch(words)
    await asRestored()
    expect(await readFile(join(shop.folder, 'story-7.md'), 'utf8')).toBe('# Seven\n')
    disk.empty()
    const resumed = await shop.type(['resume', /runbook resume (\S+?)[`\n]/.exec(finished.stdout)?.[1] ?? ''])
    expect(resumed.code, whole(resumed)).toBe(0)
    expect(
      (await readFile(join(shop.folder, 'story-7.md'), 'utf8')).match(/\*\*succeeded\*\*/g),
    ).toHaveLength(1)
    const [folder = ''] = (await readdir(join(disk.path, 'artifacts', '7'))).filter((name) =>
      /^\d{4}-/.test(name),
    )
    expect((await shop.type(['evidence', 'verify', join(disk.path, 'artifacts', '7', folder)])).code).toBe(0)
  })

  it('of the journal, from the beginning: refused, and nothing was touched', async () => {
    await on(4096, (path) => ({ config: `state: ${JSON.stringify(join(path, 'state'))},` }))
    disk.fill()
    const finished = await shop.type(shop.rollback())
    expect(finished.code, whole(finished)).toBe(3)
    expect(whole(finished)).toMatch(/no space is left.*: at least \d+ kB are needed there, and 0 kB are free/)
    await asBefore()
  })

  it('of the journal, before the first entry of preflight: refused, and nothing stays open', async () => {
    await on(8192, (path) => ({ config: `state: ${JSON.stringify(join(path, 'state'))},` }))
    expect((await shop.type(shop.rollback('--dry-run'))).code).toBe(0)
    disk.fill()
    const finished = await shop.type(shop.rollback())
    expect(finished.code, whole(finished)).toBe(3)
    const status = await shop.type(['status'])
    expect(status.stdout, whole(status)).toBe('No open runs.\n')
    disk.empty()
    const again = await shop.type(shop.rollback())
    expect(again.code, whole(again)).toBe(0)
    await asRestored()
  })

  it('of the journal, in the middle: nothing new is begun, and what was done goes back', async () => {
    await on(8192, (path) => ({ config: `state: ${JSON.stringify(join(path, 'state'))},` }))
    const running = shop.start(shop.rollback())
    await running.says('[COMPLETED] Restore beside')
    disk.fill()
    const finished = await running.finished
    expect(finished.code, whole(finished)).toBe(10)
    expect(whole(finished)).toMatch(
      /no space is left.*: at least \d+ kB are needed there, and \d+ kB are free/,
    )
    await asBefore()
  })
})

describe('the live data is damaged beyond what anyone would call a backup', () => {
  const damages = {
    'has no rows': 'delete from orders; delete from alembic_version',
    'has no tables': 'drop table orders; drop table alembic_version',
    'has orphaned rows':
      'pragma foreign_keys = off; create table items (id integer primary key, of integer references orders); insert into items (of) values (1); delete from orders',
  }
  const whatIsThere = (): readonly unknown[] => {
    const database = new Database(shop.file, { readonly: true })
    try {
      const tables = database
        .prepare("select name from sqlite_schema where type = 'table' order by name")
        .pluck()
        .all() as readonly string[]
      return tables.map((name) => [name, database.prepare(`select * from "${name}"`).all()])
    } finally {
      database.close()
    }
  }

  it.each(
    Object.entries(damages).flatMap(([what, sql]) =>
      ['beside', 'in-place'].map((strategy) => [what, strategy, sql] as const),
    ),
  )('it %s: replaced %s, and brought back where the new data does not come up', async (_, strategy, sql) => {
    await shop.stopApp()
    const database = new Database(shop.file)
    database.exec(sql)
    database.close()
    const damaged = whatIsThere()
    await writeFile(shop.unhealthy, '')
    const rollback = shop.rollback(
      '--strategy',
      strategy,
      ...(sql.includes('items') ? ['--accept-loss', 'items'] : []),
    )
    const failed = await shop.type(rollback)
    expect(failed.code, whole(failed)).toBe(10)
    expect(whatIsThere()).toEqual(damaged)
    await rm(shop.unhealthy)
    const finished = await shop.type(rollback)
    expect(finished.code, whole(finished)).toBe(0)
    await asRestored()
    // In place, a rollback also keeps what was live until then.
    const dumps = (await readdir(join(shop.folder, 'dumps'))).filter((name) => name.endsWith('.db'))
    expect(dumps.filter((name) => name.includes('-kept-'))).toHaveLength(strategy === 'in-place' ? 1 : 0)
    expect(dumps.filter((name) => !name.includes('-kept-'))).toHaveLength(1)
    await sealed()
  })
})

describe('a journal of a newer version', () => {
  it('is left as it is by every command: exit 16', async () => {
    expect((await shop.type(shop.rollback('--dry-run'))).code).toBe(0)
    const file = join(shop.folder, 'state', 'journal.db')
    const database = new Database(file)
    const version = Number(database.pragma('user_version', { simple: true }))
    database.pragma(`user_version = ${version + 1}`)
    database.pragma('wal_checkpoint(TRUNCATE)')
    database.close()
    const before = await readFile(file)
    for (const args of [
      shop.rollback(),
      shop.rollback('--dry-run'),
      ['status'],
      ['history'],
      ['resume'],
      ['rollback'],
      ['unlock', 'x', '--reason', 'y'],
    ]) {
      const finished = await shop.type(args)
      expect(finished.code, whole(finished)).toBe(16)
      expect(finished.stderr).toMatch(new RegExp(`newer|version ${version + 1}`))
    }
    expect((await readFile(file)).equals(before)).toBe(true)
    await asBefore()
  })
})
