import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import { identifier, literal } from './server/quote.ts'
import type { Server } from './server/server.ts'

/** A row of pg_database; its columns depend on the server version. */
export type DatabaseRow = {
  readonly owner: string
  readonly encoding: string
  readonly tablespace: string
  readonly row: {
    readonly datcollate: string
    readonly datctype: string
    /** Since 15: c for libc, i for ICU; since 17 also b for builtin. */
    readonly datlocprovider?: string
    readonly daticulocale?: string | null
    readonly daticurules?: string | null
    readonly datlocale?: string | null
  }
}

const rowQuery = (name: string): string => `
SELECT json_build_object('owner', pg_catalog.pg_get_userbyid(d.datdba), 'encoding', pg_catalog.pg_encoding_to_char(d.encoding),
  'tablespace', t.spcname, 'row', to_jsonb(d) - 'datacl')
FROM pg_catalog.pg_database AS d JOIN pg_catalog.pg_tablespace AS t ON t.oid = d.dattablespace WHERE d.datname = ${literal(name)};`

/**
 * Creates an empty database with the encoding, locale, tablespace and owner of another one. PUBLIC may not
 * connect: a copy must not be readable by roles without access to the live one.
 */
export function createScript(name: string, { owner, encoding, tablespace, row }: DatabaseRow): string {
  const locale = row.datlocale ?? row.daticulocale
  const options = [
    'TEMPLATE template0',
    `OWNER ${identifier(owner)}`,
    `ENCODING ${literal(encoding)}`,
    `LC_COLLATE ${literal(row.datcollate)}`,
    `LC_CTYPE ${literal(row.datctype)}`,
    ...(row.datlocprovider === 'i' && locale ? ['LOCALE_PROVIDER icu', `ICU_LOCALE ${literal(locale)}`] : []),
    ...(row.datlocprovider === 'i' && row.daticurules ? [`ICU_RULES ${literal(row.daticurules)}`] : []),
    ...(row.datlocprovider === 'b' && locale
      ? ['LOCALE_PROVIDER builtin', `BUILTIN_LOCALE ${literal(locale)}`]
      : []),
    // Naming the default tablespace requires a privilege on it that only superusers have.
    ...(tablespace === 'pg_default' ? [] : [`TABLESPACE ${identifier(tablespace)}`]),
  ]
  return `CREATE DATABASE ${identifier(name)} WITH ${options.join(' ')};\nREVOKE ALL ON DATABASE ${identifier(name)} FROM PUBLIC;\n`
}

/** @returns the owner */
export async function createLike(server: Server, name: string, scope: Scope): Promise<string> {
  const live = server.database.name
  const database = maintenance(server)
  const [answer] = await records(
    server,
    { database, doing: `read the options of database ${live}`, script: rowQuery(live) },
    scope,
  )
  const row = answer as unknown as DatabaseRow | undefined
  if (row === undefined) throw new TypeError(`database ${live} not found`)
  await records(
    server,
    { database, doing: `create database ${name}`, script: createScript(name, row) },
    scope,
  )
  return row.owner
}
