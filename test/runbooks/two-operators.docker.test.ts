import { readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { locksFor } from '../../src/cli/locks.ts'
import type { LockPart } from '../../src/drivers/locks.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { PASSWORDS } from '../fixtures/compose-stack.ts'
import { eventually } from '../fixtures/eventually.ts'
import { exactOutput } from '../fixtures/exact-output.ts'
import { docker } from '../fixtures/requirements.ts'
import { checksum, openShop, writers, type Shop } from '../fixtures/shop.ts'
import type { Finished, Typed } from '../fixtures/typed.ts'

const hour = 3_600_000
const tillPhrase = 'restore till on test'
const stampOf = (at: Date): string => at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_')

/** The same state folder, with another database of the same container. */
const withTill = (config: string, port: number): string => {
  const till = (name: string, services: readonly string[]) => `${JSON.stringify(name)}: {
      stack, writers: ${JSON.stringify(services)},
      database: { engine: 'postgres', service: 'db', name: 'till', user: 'postgres', confirmPhrase: ${JSON.stringify(tillPhrase)} },
      backups: { directory: './backups', pattern: 'till_{time}.dump', maxAge: '26h', minBytes: 100 },
      health: [{ name: 'frontend', url: 'http://127.0.0.1:${port}/' }],
    },`
  const stack = /stack: (\{[^}]*\}),/.exec(config)?.[1] ?? ''
  return config
    .replace('export default', `const stack = ${stack}\nexport default`)
    .replace(
      'targets: {',
      `targets: {\n${till('till', ['frontend'])}${till('till-with-writer', ['frontend', writers[0]])}`,
    )
}
const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

describe.skipIf(!docker())('two operators with a state folder each, on one Compose stack', () => {
  let shop: Shop
  let badSince: string

  beforeAll(async () => {
    shop = await openShop()
    await shop.dump(new Date(Date.now() - 4 * hour))
    badSince = new Date(Date.now() - 3 * hour).toISOString()
    const config = await readFile(join(shop.stack.dir, 'runbook.config.ts'), 'utf8')
    await writeFile(
      join(shop.stack.dir, 'second.config.ts'),
      config.replace("state: './state'", "state: './second-state'"),
    )
    await writeFile(join(shop.stack.dir, 'both.config.ts'), withTill(config, shop.stack.ports.frontend))
    await shop.stack.sql('create database till')
    await inTill('create table sales (id int primary key); insert into sales select generate_series(1, 100)')
    const file = join(shop.backups, `till_${stampOf(new Date(Date.now() - 4 * hour))}.dump`)
    await writeFile(file, await tillDump(), { mode: 0o600 })
    await checksum(file)
  }, 120_000)
  afterAll(() => shop[Symbol.asyncDispose]())
  beforeEach(async () => {
    if (!(await shop.data()).includes('d4_bad')) await shop.damage()
  })

  const words = ['full-db-rollback', '--bad-since']
  const first = (): Typed =>
    shop.start(['run', ...words, badSince, '--confirm', shop.phrase], { env: { USER: 'anna' } })
  const second = (...more: readonly string[]): Promise<Finished> =>
    shop.type(['--config', 'second.config.ts', 'run', ...words, badSince, ...more])

  const both = (target: string): Promise<Finished> =>
    shop.type([
      '--config',
      'both.config.ts',
      'run',
      'full-db-rollback',
      '--target',
      target,
      '--confirm',
      tillPhrase,
    ])
  const inDb = async (...command: readonly string[]) =>
    execa('docker', ['exec', String(await shop.stack.containerId('db')), ...command], {
      ...exactOutput,
      env: shop.stack.dockerEnv,
    })
  const inTill = async (sql: string): Promise<string> =>
    Buffer.from(
      (await inDb('psql', '-U', 'postgres', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-d', 'till', '-c', sql))
        .stdout,
    )
      .toString()
      .trim()
  const tillDump = async () => (await inDb('pg_dump', '-U', 'postgres', '-Fc', 'till')).stdout

  const locks = locksFor({
    clock: systemClock,
    register: () => undefined,
    environment: { SHOP_PASSWORD: PASSWORDS.postgres },
  })
  const service = (): LockPart => ({
    kind: 'docker',
    name: `service/${shop.stack.project}/${writers[0]}`,
    what: 'a writer',
  })
  /** The same server, as somebody knows it who has no Docker. */
  const server = (name: string): LockPart => ({
    kind: 'postgres',
    database: {
      engine: 'postgres',
      name,
      user: 'postgres',
      via: {
        kind: 'server',
        host: '127.0.0.1',
        port: shop.stack.ports.db,
        password: { secret: 'SHOP_PASSWORD', from: { env: 'SHOP_PASSWORD' } },
      },
      confirmPhrase: 'x',
      fingerprint: 'rows',
    },
  })

  it('the second is refused, and told who is at it; nothing happens to the first', async () => {
    const running = first()
    await running.says('[STARTED] Restore beside')
    const refused = await second('--confirm', shop.phrase)
    expect(refused.code, whole(refused)).toBe(13)
    const run = /run (\d{8}-\d{6}-\w+) \(\S+ on (\S+), since \d{4}-\d\d-\d\dT/.exec(whole(refused))
    expect(run?.[2], whole(refused)).toBe(hostname())
    expect(await locks.look(service())).toMatchObject({ is: 'held', by: { run: run?.[1] } })
    expect(await locks.look(server('brace'))).toMatchObject({ is: 'held', by: { run: run?.[1] } })
    expect(await locks.look(server('another'))).toEqual({ is: 'free' })
    const finished = await running.finished
    expect(finished.code, whole(finished)).toBe(0)
    expect(await locks.look(service())).toEqual({ is: 'free' })
    expect(await locks.look(server('brace'))).toEqual({ is: 'free' })
  }, 180_000)

  it('two databases of the stack are restored at the same time with one state folder, unless a service is shared', async () => {
    await inTill('delete from sales where id > 10')
    const running = first()
    await running.says('[STARTED] Restore beside')
    const shared = await both('till-with-writer')
    expect(shared.code, whole(shared)).toBe(13)
    expect(whole(shared)).toMatch(/service \S+ of \S+ is held by run|brace has an open run/)
    const other = await both('till')
    expect(other.code, whole(other)).toBe(0)
    expect(await inTill('select count(*) from sales')).toBe('100')
    const finished = await running.finished
    expect(finished.code, whole(finished)).toBe(0)
    expect(whole(finished)).not.toContain('on the server,')
    expect(whole(other)).not.toContain('on the server,')
    const history = await shop.type(['--config', 'both.config.ts', 'history', '--json'])
    expect(history.stdout.match(/"outcome":"succeeded"/g)?.length, history.stdout).toBeGreaterThanOrEqual(2)
  }, 180_000)

  it('a dry run names the holder, and takes nothing', async () => {
    const holder = {
      run: '20261129-131507-aaaaa',
      by: 'anna',
      host: 'here',
      since: '2026-11-29T13:15:07.000Z',
    }
    // The daemon forgets the session of the run before a moment after its end.
    let held = await locks.take(service(), holder)
    await eventually(async () => {
      if (held.is !== 'taken') held = await locks.take(service(), holder)
      return held.is === 'taken'
    }, 'the lock is free')
    try {
      const dry = await second('--dry-run', '--confirm', shop.phrase)
      expect(dry.code, whole(dry)).toBe(3)
      expect(whole(dry)).toContain(`is held by run ${holder.run} (anna on here`)
    } finally {
      if (held.is === 'taken') await held.lock.release()
    }
  }, 180_000)

  it('a killed run frees it within ten seconds, and takes it again to roll back', async () => {
    const old = await shop.data()
    const running = first()
    await running.says('[STARTED] Swap the restored database in')
    running.child.kill('SIGKILL')
    await running.finished
    const began = performance.now()
    const free = async () =>
      (await locks.look(service())).is === 'free' && (await locks.look(server('brace'))).is === 'free'
    await eventually(free, 'the locks of the killed run are free')
    expect(performance.now() - began).toBeLessThan(10_000)
    const back = await shop.type(['rollback', '--confirm', shop.phrase])
    expect(back.code, whole(back)).toBe(0)
    expect(await shop.data()).toBe(old)
  }, 180_000)

  it('a run whose session on the server was ended stops before its next change, and can be resumed', async () => {
    const running = first()
    await running.says('[STARTED] Assert on the copy')
    await shop.stack.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'rb-lock %'",
    )
    const stopped = await running.finished
    expect(stopped.code, whole(stopped)).toBe(13)
    expect(whole(stopped)).toContain('lost its lock on database brace of')
    const resumed = await shop.type(['resume', '--confirm', shop.phrase])
    expect(resumed.code, whole(resumed)).toBe(0)
  }, 180_000)
})
