import { describe, expect, it } from 'vitest'
import { connectionsOf } from '../../src/init/connections.ts'
import { imageKind } from '../../src/init/images.ts'
import { baseImageIn, servicesOf } from '../../src/init/services.ts'

const of = (environment: { readonly [name: string]: string }, command: readonly string[] = []) => {
  const [service] = servicesOf({ services: { web: { environment, command } } }, [])
  if (service === undefined) throw new Error('no service')
  return connectionsOf(service)
}
const to = (host: string, name: string | null, user: string | null = null) =>
  expect.arrayContaining([{ host, name, user }])

describe('connections', () => {
  it.each([
    [
      'a URL',
      { DATABASE_URL: 'postgres://shop:p@ss:w/rd@db:5432/shop?sslmode=disable' },
      'db',
      'shop',
      'shop',
    ],
    ['a URL with a driver', { URL: 'postgresql+asyncpg://u:p@db/shop' }, 'db', 'shop', 'u'],
    ['JDBC', { SPRING_DATASOURCE_URL: 'jdbc:postgresql://db:5432/shop' }, 'db', 'shop', null],
    [
      'host, name and user',
      { DB_HOST: 'db', DB_NAME: 'shop', DB_USER: 'u', APP_NAME: 'x' },
      'db',
      'shop',
      'u',
    ],
    [
      'nested names',
      { GITEA__database__HOST: 'db:5432', GITEA__database__NAME: 'git', GITEA__database__USER: 'g' },
      'db',
      'git',
      'g',
    ],
    ['libpq', { PGHOST: 'db', PGDATABASE: 'shop', PGUSER: 'u' }, 'db', 'shop', 'u'],
    ['a DSN', { DSN: 'host=db user=u dbname=shop password=x' }, 'db', 'shop', 'u'],
    [
      'a DSN with quoted values',
      { DSN: "host=db user='the shop' password='a;b dbname=x \\' y' dbname = 'Büro \\'7'" },
      'db',
      "Büro '7",
      'the shop',
    ],
    ['.NET with blanks', { Conn: 'Server=db;Database=Shop DB;User Id=u;Password=x' }, 'db', 'Shop DB', 'u'],
    ['.NET', { Conn: 'Server=db;Port=5432;Database=shop;User Id=u;Password=x' }, 'db', 'shop', 'u'],
    [
      'two prefixes',
      { A_DB_HOST: 'db', A_DB_NAME: 'a', B_DB_HOST: 'other', B_DB_NAME: 'b' },
      'db',
      'a',
      null,
    ],
  ])('are seen in %s', (_, environment, host, name, user) =>
    expect(of(environment as unknown as { [name: string]: string })).toEqual(to(host, name, user)),
  )

  it('are seen in a command', () => {
    expect(of({}, ['--db-host=db', 'run']).map(({ host }) => host)).toContain('db')
    expect(of({}, ['wait-for', 'db:5432']).map(({ host }) => host)).toContain('db')
  })

  it('carry no password', () => {
    const all = JSON.stringify(
      of({ DATABASE_URL: 'postgres://u:hunter22@db/shop', DB_HOST: 'db', DB_PASSWORD: 'hunter22' }),
    )
    expect(all).not.toContain('hunter22')
  })
})

it.each([
  ['postgres', 'postgres', null],
  ['docker.io/library/postgres:16.4-alpine@sha256:abc', 'postgres', 16],
  ['registry.example.com:5000/postgis/postgis:15-3.4', 'postgres', 15],
  ['timescale/timescaledb:2.17.2-pg16', 'postgres', 16],
  ['pgvector/pgvector:pg17', 'postgres', 17],
  ['bitnami/postgresql:15', 'postgres', 15],
  ['ghcr.io/immich-app/postgres:14-vectorchord0.4.3', 'postgres', 14],
  ['supabase/postgres:15.1.0.147', 'postgres', 15],
  ['prodrigestivill/postgres-backup-local:16', 'tool', undefined],
  ['prometheuscommunity/postgres-exporter', 'tool', undefined],
  ['dpage/pgadmin4', 'tool', undefined],
  ['postgrest/postgrest', null, undefined],
  ['edoburu/pgbouncer', 'pooler', undefined],
  ['mysql:8', 'other-database', undefined],
  ['bitnami/mariadb:11', 'other-database', undefined],
  ['redis:7-alpine', 'cache', undefined],
  ['nginx', 'proxy', undefined],
  ['ghcr.io/example/shop:1.2', null, undefined],
])('%s is %s', (image, is, major) => {
  const kind = imageKind(image)
  expect(kind?.is ?? null).toBe(is)
  if (major !== undefined) expect(kind).toMatchObject({ major })
})

it.each([
  ['FROM postgres:16\nRUN x', null, 'postgres:16'],
  ['FROM --platform=linux/amd64 golang AS build\nFROM alpine\nCOPY --from=build x y', null, 'alpine'],
  ['FROM node AS base\nFROM base AS dev\nFROM base', 'dev', 'node'],
  ['ARG V\nFROM postgres:$V', null, null],
  ['FROM a AS b\nFROM b AS a\n', null, 'a'],
  ['', null, null],
])('the base of %j for %j is %j', (text, target, base) => expect(baseImageIn(text, target)).toBe(base))
