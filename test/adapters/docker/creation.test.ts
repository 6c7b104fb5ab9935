import { expect, test } from 'vitest'
import { creationOf, type CreatedContainer } from '../../../src/adapters/docker/creation.ts'

const usual = '/var/lib/postgresql/data'
const nameless = { Type: 'volume', Name: '0f'.repeat(32), Source: '/v', Destination: usual }
const created = (Env: readonly string[], Mounts: CreatedContainer['Mounts'] = []): unknown =>
  creationOf('db', { Id: 'c1', Config: { Env }, Mounts } as unknown as CreatedContainer).unkept

test.each([
  ['no variable of a server', ['PATH=/bin'], [], undefined],
  ['a volume without a name', [`PGDATA=${usual}`], [nameless], { folder: usual, in: 'volume' }],
  ['a volume with a name', [`PGDATA=${usual}`], [{ ...nameless, Name: 'shop_data' }], undefined],
  [
    'a folder of the machine above it',
    [`PGDATA=${usual}`],
    [{ ...nameless, Type: 'bind', Destination: '/var/lib/postgresql' }],
    undefined,
  ],
  [
    'a named volume, hidden by one without a name below it',
    [`PGDATA=${usual}`],
    [{ ...nameless, Name: 'shop_data', Destination: '/var/lib/postgresql' }, nameless],
    { folder: usual, in: 'volume' },
  ],
  ['no mount', ['PGDATA=/pgdata'], [nameless], { folder: '/pgdata', in: 'instance' }],
  [
    'the image of bitnami',
    ['BITNAMI_APP_NAME=postgresql'],
    [],
    { folder: '/bitnami/postgresql', in: 'instance' },
  ],
] as const)('data of a server in %s', (_, env, mounts, unkept) => {
  expect(created(env, mounts)).toEqual(unkept)
})
