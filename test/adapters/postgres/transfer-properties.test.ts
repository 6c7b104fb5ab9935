import { describe, expect, test } from 'vitest'
import { transferProperties } from '../../../src/adapters/postgres/transfer-properties.ts'
import type { DatabaseFacts, Grant } from '../../../src/adapters/postgres/database-facts.ts'

const grant = (grantee: string | null, privilege: string, more: Partial<Grant> = {}): Grant => ({
  grantee,
  grantor: 'shop_owner',
  privilege,
  grantable: false,
  ...more,
})
const plain: DatabaseFacts = {
  owner: 'shop_owner',
  connectionLimit: -1,
  allowConnections: true,
  isTemplate: false,
  comment: null,
  acl: [grant(null, 'CONNECT')],
  settings: [],
}
const setting = (name: string, value: string, role: string | null = null): DatabaseFacts => ({
  ...plain,
  settings: [{ role, name, value }],
})

describe('what is carried over to a swapped database', () => {
  test('is nothing where both are alike', () => {
    expect(transferProperties('shop', plain, structuredClone(plain))).toEqual([])
  })

  test('is the owner first, since rights are counted from him', () => {
    expect(transferProperties('shop', { ...plain, owner: 'new "owner"' }, plain)[0]).toBe(
      'ALTER DATABASE "shop" OWNER TO "new ""owner"""',
    )
  })

  test('is only what differs', () => {
    expect(transferProperties('shop', { ...plain, connectionLimit: 7, comment: "it's" }, plain)).toEqual([
      `COMMENT ON DATABASE "shop" IS 'it''s'`,
      'ALTER DATABASE "shop" WITH CONNECTION LIMIT 7',
    ])
    expect(
      transferProperties('shop', plain, {
        ...plain,
        comment: 'old',
        isTemplate: true,
        allowConnections: false,
      }),
    ).toEqual([
      'COMMENT ON DATABASE "shop" IS NULL',
      'ALTER DATABASE "shop" WITH ALLOW_CONNECTIONS true IS_TEMPLATE false',
    ])
  })

  test('takes rights away from everybody who has some, then gives in the order of the grant options', () => {
    const from = {
      ...plain,
      acl: [
        grant('bob', 'CONNECT', { grantor: 'ann' }),
        grant('ann', 'CONNECT', { grantable: true }),
        grant('shop_owner', 'CREATE'),
      ],
    }
    const to = { ...plain, acl: [grant(null, 'CONNECT'), grant('eve', 'TEMPORARY')] }
    expect(transferProperties('shop', from, to)).toEqual([
      'REVOKE ALL ON DATABASE "shop" FROM PUBLIC CASCADE',
      'REVOKE ALL ON DATABASE "shop" FROM "shop_owner" CASCADE',
      'REVOKE ALL ON DATABASE "shop" FROM "eve" CASCADE',
      'GRANT CONNECT ON DATABASE "shop" TO "ann" WITH GRANT OPTION',
      'GRANT CREATE ON DATABASE "shop" TO "shop_owner"',
      'SET LOCAL ROLE "ann"; GRANT CONNECT ON DATABASE "shop" TO "bob"; RESET ROLE',
    ])
  })

  test.each([
    ['search_path', '"$user", public, "od""d, schema", ""', `'$user', 'public', 'od"d, schema', ''`],
    ['search_path', '""', "''"],
    ['DateStyle', 'ISO, DMY', "'ISO, DMY'"],
    ['app.tenant', "O'Brien", "'O''Brien'"],
    ['log_line_prefix', '\\x = ', " E'\\\\x = '"],
  ])('writes %s = %s as the server reads it', (name, value, written) => {
    const parameter = name
      .split('.')
      .map((part) => `"${part}"`)
      .join('.')
    expect(transferProperties('shop', setting(name, value), plain)).toEqual([
      `ALTER DATABASE "shop" SET ${parameter} TO ${written}`,
    ])
  })

  test('takes away the settings that were there, for each role by itself', () => {
    expect(
      transferProperties('shop', setting('work_mem', '8MB', 'ann'), setting('work_mem', '9MB', 'bob')),
    ).toEqual([
      'ALTER ROLE "bob" IN DATABASE "shop" RESET ALL',
      `ALTER ROLE "ann" IN DATABASE "shop" SET "work_mem" TO '8MB'`,
    ])
  })
})
