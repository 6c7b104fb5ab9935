import { expect, test } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { targetOf } from '../../src/config/target.ts'
import { secret } from '../../src/index.ts'

const basePaths = { directory: '/srv/ops', home: '/home/op', host: 'box' }
const stack = { kind: 'compose', project: 'shop', files: ['infra/compose.yml'] }
const database = { engine: 'postgres', service: 'db', name: 'shop', user: 'postgres' }
const accessIn = (sections: object) =>
  targetOf(
    configSchema.parse({
      targets: {
        shop: { stack, database, access: { pgHba: { user: 'app', password: secret('APP') } }, ...sections },
      },
    }),
    'shop',
    basePaths,
  ).access

test('the access is that to the database of the stack, by TCP to its service, as the application', () => {
  expect(accessIn({ app: ['web', 'db'] })).toMatchObject({
    pgHba: {
      file: '/var/lib/postgresql/data/pg_hba.conf',
      withinSeconds: 30,
      login: {
        name: 'shop',
        user: 'app',
        via: {
          kind: 'compose',
          service: 'db',
          login: { host: 'db', password: { secret: 'APP', from: { env: 'APP' } } },
        },
      },
    },
    daemon: {
      file: '/etc/docker/daemon.json',
      restart: ['systemctl', 'restart', 'docker'],
      pidFile: '/var/run/docker.pid',
      withinSeconds: 60,
    },
    composeFile: '/srv/ops/infra/compose.yml',
    services: { names: ['db', 'web'] },
  })
  expect(
    accessIn({ access: { pgHba: { user: 'app', host: 'postgres.internal' }, services: ['db'] } }),
  ).toMatchObject({
    pgHba: { login: { via: { login: { host: 'postgres.internal', password: null } } } },
    services: { names: ['db'] },
  })
})

test.each([
  [
    'a file of another stack',
    { access: { pgHba: { user: 'app' }, composeFile: '/elsewhere/compose.yml' } },
    'which is not one of stack.files',
  ],
  [
    'a database on a server',
    { database: { engine: 'postgres', host: 'h', name: 'shop', user: 'postgres' } },
    'access requires a Postgres in a Compose stack',
  ],
  ['no database', { database: undefined }, 'access requires a Postgres in a Compose stack'],
])('%s is refused', (_, sections, says) => {
  expect(() => accessIn(sections)).toThrow(says)
})
