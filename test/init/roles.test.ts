import { expect, it } from 'vitest'
import type { ServiceFacts } from '../../src/init/facts.ts'
import { kindOf } from '../../src/init/roles.ts'

const service = (more: Partial<ServiceFacts>): ServiceFacts => ({
  name: 'one',
  image: 'postgres:17',
  base: null,
  built: false,
  environment: { POSTGRES_PASSWORD: 'shared by an env file' },
  words: [],
  dependsOn: {},
  hosts: ['one'],
  networks: ['default'],
  ports: [],
  mounts: [],
  secrets: {},
  healthcheck: null,
  profiles: [],
  running: null,
  exitCode: null,
  ...more,
})
const withData = { mounts: [{ target: '/var/lib/postgresql/data', source: 'data', kind: 'volume' }] } as const

it.each<[what: string, facts: Partial<ServiceFacts>, kind: string | null]>([
  ['as it comes', {}, 'postgres'],
  ['options of the server', { words: ['-c', 'max_connections=200'] }, 'postgres'],
  ['the server by name', { words: ['postgres', '-c', 'fsync=off'] }, 'postgres'],
  ['the server by path', { words: ['/usr/lib/postgresql/17/bin/postgres', '-D', '/data'] }, 'postgres'],
  ['the entrypoint of the image', { words: ['/usr/local/bin/docker-entrypoint.sh', 'postgres'] }, 'postgres'],
  [
    'a shell that goes on to it',
    { words: ['sh', '-c', 'chmod 600 /k; exec docker-entrypoint.sh postgres'] },
    'postgres',
  ],
  ['a script of its own, where the data is', { words: ['/start.sh'], ...withData }, 'postgres'],
  ['an application in the same image', { words: ['python3', '/app/scribe.py'] }, null],
  ['a script for dumps', { words: ['/out/backup.sh'] }, null],
  ['dumps every night', { words: ['sh', '-c', 'pg_dump -h db shop > /out/shop.sql'] }, 'tool'],
  ['a backup of the files of the server', { words: ['pg_basebackup', '-h', 'db'], ...withData }, 'tool'],
  ['a stream of changes', { words: ['pg_recvlogical', '--start'] }, 'tool'],
  ['a question', { words: ['psql', '-h', 'db', '-c', 'select 1'] }, null],
])('a service in the image of Postgres that starts %s', (_, facts, kind) => {
  expect(kindOf(service(facts))?.is ?? null).toBe(kind)
})
