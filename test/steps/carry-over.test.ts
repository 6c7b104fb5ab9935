import { describe, expect, it } from 'vitest'
import { asTyped } from '../../src/cli/command-hints.ts'
import { carryOver, carryOverFrom } from '../../steps/databases/lib/carry-over.ts'
import { dropLine, untilDropped } from '../../steps/databases/lib/drop-line.ts'
import { damagedShop, shop } from './fake-shop.ts'
import rollback from '../../runbooks/full-db-rollback.ts'
import { fakeMachine } from '../../src/testing/index.ts'
import { endingText } from '../../src/views/ending.ts'
import type { Database } from '../../src/drivers/databases.ts'

const sqlite: Database = {
  engine: 'sqlite',
  name: 'shop',
  file: '/my data/shop.db',
  confirmPhrase: 'x',
  fingerprint: 'rows',
}
const postgres = shop.database as Extract<Database, { engine: 'postgres' }>
const called = {
  environment: { npm_lifecycle_event: 'npx', npm_lifecycle_script: 'runbook' },
  config: undefined,
}

describe('the commands that carry rows over', () => {
  it.each([
    ['a database', carryOver(shop.database as Database, 'shop__kept_1')],
    ['a SQLite file', carryOver(sqlite, 'shop__kept_1')],
    ['a signed dump', carryOverFrom('/kept/shop.dump', 'signed')],
    ['an unsigned dump', carryOverFrom('/kept/shop.dump', 'unsigned')],
  ])('begin with npx where it was used: %s', (_, text) => {
    expect(asTyped(text, called, ['run'])).toContain(': npx runbook run recover-records --dump ')
  })

  it.each([
    [
      'a service',
      postgres.via,
      'docker compose --project-name shop --file /srv/shop/compose.yml exec -T db pg_dump --username app --format=custom --dbname=shop__kept_1 > FILE',
    ],
    [
      'a server',
      { kind: 'server', host: 'db.example', port: 5433, password: null },
      'pg_dump --host db.example --port 5433 --username app --format=custom --dbname=shop__kept_1 --file=FILE',
    ],
  ] as const)('dump the database where it is: %s', (_, via, line) => {
    expect(carryOver({ ...postgres, via }, 'shop__kept_1')).toContain(`dump it (${line}), `)
  })

  it('make the checksum that is required, unless the run signed the file', () => {
    expect(carryOver(sqlite, 'shop__kept_1')).toContain(
      "(cd '/my data' && sha256sum shop__kept_1 > shop__kept_1.sha256), then: runbook run recover-records --dump '/my data/shop__kept_1' ",
    )
    expect(carryOverFrom('/kept/shop.dump', 'signed')).not.toContain('sha256')
  })
})

describe('the command that drops a database that was put aside', () => {
  it.each([
    [
      'a service',
      postgres,
      'docker compose --project-name shop --file /srv/shop/compose.yml exec db dropdb --username app shop__old_1',
    ],
    [
      'a server',
      { ...postgres, via: { kind: 'server', host: 'db.example', port: 5433, password: null } },
      'dropdb --host db.example --port 5433 --username app shop__old_1',
    ],
    ['a SQLite file', sqlite, "rm '/my data/shop__old_1'"],
  ] as const)('can be pasted: %s', (_, database, line) => {
    expect(dropLine(database, 'shop__old_1')).toBe(line)
    expect(untilDropped(database, 'shop__old_1')).toMatch(/^it stays until prune removes it, .*: /)
  })

  it('is in the kept line of a run that was rolled back, and in the output of one that succeeded', async () => {
    const order = (fail: boolean) => {
      const world = damagedShop()
      if (fail) world.web.answers.set('http://shop/health', [{ status: 500 }])
      return fakeMachine(world, { book: rollback, target: shop })
    }
    const [failed, good] = [order(true), order(false)]
    const result = await failed.run({ strategy: 'beside' })
    expect(result.outcome).toBe('rolled-back')
    expect(endingText(result, failed.entries)).toContain('exec db dropdb --username app shop__kept_')
    await good.run({ strategy: 'beside' })
    expect(JSON.stringify([...good.events])).toContain('exec db dropdb --username app shop__old_')
  })
})
