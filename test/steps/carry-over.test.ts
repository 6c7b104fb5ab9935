import { describe, expect, it } from 'vitest'
import { asTyped } from '../../src/cli/command-hints.ts'
import { carryOver, carryOverFrom } from '../../steps/databases/lib/carry-over.ts'
import { shop } from './fake-shop.ts'
import type { Database } from '../../src/drivers/databases.ts'

const sqlite: Database = {
  engine: 'sqlite',
  name: 'shop',
  file: '/my data/shop.db',
  confirmPhrase: 'x',
  fingerprint: 'rows',
}
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

  it('make the checksum that is required, unless the run signed the file', () => {
    expect(carryOver(sqlite, 'shop__kept_1')).toContain(
      "(cd '/my data' && sha256sum shop__kept_1 > shop__kept_1.sha256), then: runbook run recover-records --dump '/my data/shop__kept_1' ",
    )
    expect(carryOverFrom('/kept/shop.dump', 'signed')).not.toContain('sha256')
  })
})
