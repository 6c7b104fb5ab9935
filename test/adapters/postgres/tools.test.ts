import { describe, expect, test } from 'vitest'
import { applicationName } from '../../../src/adapters/postgres/server/client-environment.ts'
import { availableOf } from '../../../src/adapters/postgres/server/container-server.ts'
import { toolFor } from '../../../src/adapters/postgres/server/installed-tools.ts'
import { createScript, type DatabaseRow } from '../../../src/adapters/postgres/create-like.ts'
import { clientError } from '../../../src/adapters/postgres/server/psql.ts'
import { connectionTo, identifier, literal } from '../../../src/adapters/postgres/server/quote.ts'
import { toolVersion } from '../../../src/adapters/postgres/server/installed-tools.ts'
import { partialName } from '../../../src/adapters/postgres/partial-name.ts'

describe('the tools for a server', () => {
  const installed = ['9.6.24', '15.18', '17.11', '18.2'].map((version) => ({
    folder: `/pg/${version}`,
    version,
  }))
  const at = (major: number | null) => toolFor('pg_restore', installed, major).path

  test('have its own major version, else the nearest newer one', () => {
    expect([at(15), at(17), at(16), at(9)]).toEqual([
      '/pg/15.18/pg_restore',
      '/pg/17.11/pg_restore',
      '/pg/17.11/pg_restore',
      '/pg/9.6.24/pg_restore',
    ])
    expect(at(null)).toBe('/pg/18.2/pg_restore')
  })

  test('are never older than it', () => {
    expect(() => at(19)).toThrow(
      expect.objectContaining({ code: 'preflight', hint: 'install postgresql-client-19' }),
    )
    expect(() => toolFor('pg_dump', [], null)).toThrow(expect.objectContaining({ code: 'preflight' }))
  })

  test('state their version', () => {
    expect(toolVersion('pg_dump (PostgreSQL) 17.11 (Debian 17.11-0+deb13u1)\n')).toBe('17.11')
    expect(toolVersion('psql (PostgreSQL) 18beta1')).toBe('18beta1')
  })
})

test('the free space is the fourth column of df, also behind a long device name', () => {
  expect(
    availableOf(
      'Filesystem     1024-blocks     Used Available Capacity Mounted on\noverlay           80000000 30000000  50000000      38% /\n',
    ),
  ).toBe(51_200_000_000)
  expect(
    availableOf(
      'Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/mapper/a-very-long-name 100 40 60 40% /var/lib/data 1\n',
    ),
  ).toBe(61_440)
  expect(availableOf('df: /nowhere: No such file or directory')).toBeNull()
})

describe('names', () => {
  test('are quoted as the server reads them', () => {
    expect(identifier('od"d')).toBe('"od""d"')
    expect(literal("it's")).toBe("'it''s'")
    expect(literal("\\'")).toBe(" E'\\\\'''")
    expect(connectionTo("a='b' \\")).toBe("dbname='a=\\'b\\' \\\\'")
    expect(() => literal('\0')).toThrow(TypeError)
  })

  test('of applications fit the server, and two steps never share one', () => {
    expect(applicationName({ run: 'r1', step: 'restore' })).toBe('rb:r1:restore')
    const [one, two] = ['a', 'b'].map((end) =>
      applicationName({ run: 'r1', step: `${'long '.repeat(20)}${end}` }),
    )
    expect(one).toHaveLength(63)
    expect(one).not.toBe(two)
    expect(applicationName({ run: 'r1', step: 'größe' })).toMatch(/^rb:r1:gr\?\?e~[0-9a-f]{8}$/)
  })

  test('of unfinished copies fit the server, or are refused', () => {
    expect(partialName('x'.repeat(54))).toHaveLength(63)
    expect(() => partialName('ü'.repeat(28))).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})

describe('a new database', () => {
  const row = (more: Partial<DatabaseRow['row']>, tablespace = 'pg_default'): DatabaseRow => ({
    owner: 'joe',
    encoding: 'UTF8',
    tablespace,
    row: { datcollate: 'C.UTF-8', datctype: 'C.UTF-8', ...more },
  })
  const common = `WITH TEMPLATE template0 OWNER "joe" ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'`

  test.each([
    ['13', row({}), ''],
    ['15 with ICU', row({ datlocprovider: 'i', daticulocale: 'de' }), ` LOCALE_PROVIDER icu ICU_LOCALE 'de'`],
    [
      '16 with ICU rules',
      row({ datlocprovider: 'i', daticulocale: 'de', daticurules: '&a < b' }),
      ` LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '&a < b'`,
    ],
    ['17 with ICU', row({ datlocprovider: 'i', datlocale: 'de' }), ` LOCALE_PROVIDER icu ICU_LOCALE 'de'`],
    [
      '17 with its own',
      row({ datlocprovider: 'b', datlocale: 'C.UTF-8' }),
      ` LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'`,
    ],
    ['17 with libc', row({ datlocprovider: 'c', datlocale: null }), ''],
    ['elsewhere', row({}, 'fast disk'), ' TABLESPACE "fast disk"'],
  ])('is made like the old one: %s', (_, like, options) => {
    expect(createScript('copy', like)).toBe(
      `CREATE DATABASE "copy" ${common}${options};\nREVOKE ALL ON DATABASE "copy" FROM PUBLIC;\n`,
    )
  })
})

test("the error of a program is the server's, else its own", () => {
  const server =
    'psql:<stdin>:3: ERROR:  55006: database "x" is being accessed by other users\nDETAIL:  There is 1 other session using the database.\nLOCATION:  RenameDatabase, dbcommands.c:1\n'
  expect(clientError({ stderrTail: server, exitCode: 3 })).toEqual({
    state: '55006',
    message: 'database "x" is being accessed by other users: There is 1 other session using the database.',
  })
  expect(
    clientError({
      stderrTail: 'pg_restore: error: could not read from input file: end of file\n',
      exitCode: 1,
    }),
  ).toEqual({
    state: null,
    message: 'pg_restore: error: could not read from input file: end of file',
  })
  expect(clientError({ stderrTail: '', exitCode: 127 })).toEqual({ state: null, message: 'exit code 127' })
})
