import { expect, it } from 'vitest'
import { applicationOf, commentOf, holderIn } from '../../../src/adapters/postgres/lock/holder-name.ts'

const holder = {
  run: '20261129-131507-aaaaa',
  by: 'anna',
  host: 'db-1',
  since: '2026-11-29T13:15:07.000Z',
}

it('is read by everybody from the name of the session', () => {
  expect(applicationOf(holder)).toBe('rb-lock 20261129-131507-aaaaa 20261129T131507Z anna@db-1')
  expect(holderIn(applicationOf(holder), null)).toEqual(holder)
})

it('is cut to what a server keeps, and complete in the statement', () => {
  const long = { ...holder, by: 'zoë', host: 'database-server-7.example.com' }
  const name = applicationOf(long)
  expect(name).toHaveLength(63)
  expect(name).toMatch(/^[\x20-\x7e]+$/)
  expect(holderIn(name, null)).toMatchObject({ run: holder.run, since: holder.since })
  expect(holderIn(name, `SELECT to_json(1) ${commentOf(long)};`)).toEqual(long)
})

it('cannot end its comment', () => {
  const sly = { ...holder, by: 'x */ DROP TABLE orders; /*' }
  expect(commentOf(sly).indexOf('*/')).toBe(commentOf(sly).length - 2)
  expect(holderIn('', `SELECT 1 ${commentOf(sly)}`)).toMatchObject({ run: holder.run })
})

it.each(['psql', '', 'rb:20261129-131507-aaaaa:swap', 'rb-lock something else'])(
  'is nobody in the session %s',
  (application) => {
    expect(holderIn(application, 'SELECT 1')).toBeNull()
  },
)
