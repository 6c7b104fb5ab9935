import { expect, test } from 'vitest'
import { createsPublic, needsOf, tablesIn } from '../../../src/adapters/postgres/archive/contents.ts'
import type { ArchiveEntry } from '../../../src/adapters/postgres/archive/table-of-contents.ts'

const entry = (kind: string, name: string, more: Partial<ArchiveEntry> = {}): ArchiveEntry => ({
  id: 1,
  kind,
  name,
  schema: null,
  owner: null,
  definition: '',
  at: { kind: { start: 0, end: 0 }, definition: { start: 0, end: 0 } },
  dropping: '',
  tablespace: null,
  hasData: kind === 'TABLE DATA',
  needs: [],
  ...more,
})

test('tables with data have their schemas, whatever they are called', () => {
  expect(
    tablesIn([
      entry('TABLE', 'orders', { schema: 'public' }),
      entry('TABLE DATA', 're ceipts', { schema: 'till 1', owner: 'app user' }),
      entry('TABLE DATA', 'orders', { schema: 'public' }),
      entry('TABLE DATA', 'b.c', { schema: 'a' }),
      entry('TABLE DATA', 'c', { schema: 'a.b' }),
      entry('SEQUENCE SET', 'orders_id_seq', { schema: 'public' }),
    ]),
  ).toEqual(['"a.b".c', 'a."b.c"', 'public.orders', 'till 1.re ceipts'])
})

test('what a dump needs is read from entries of the right kind alone', () => {
  expect(
    needsOf([
      entry('DATABASE', 'shop', { owner: 'owner of the database' }),
      entry('ACL', 'DATABASE shop', { definition: 'GRANT ALL ON DATABASE shop TO somebody;' }),
      entry('SCHEMA', 'Till 1', { owner: 'Night; Type: shift' }),
      entry('EXTENSION', 'pg_trgm'),
      entry('EXTENSION', 'uuid-ossp'),
      entry('COMMENT', 'EXTENSION pg_trgm'),
      entry('FUNCTION', 'f()', {
        owner: 'joe',
        definition: 'CREATE FUNCTION f() …\nGRANT SELECT ON TABLE x TO not_a_role;',
      }),
      entry('ACL', 'TABLE orders', {
        owner: 'joe',
        definition: `REVOKE ALL ON TABLE public."a TO b" FROM joe;
GRANT SELECT,INSERT ON TABLE public."a TO b" TO "rea ""der" WITH GRANT OPTION;
SET SESSION AUTHORIZATION "rea ""der";
GRANT SELECT ON TABLE public."a TO b" TO größe;
RESET SESSION AUTHORIZATION;
GRANT SELECT(id) ON TABLE public."a TO b" TO PUBLIC;
GRANT SELECT(id) ON TABLE public."a TO b" TO "PUBLIC; x";`,
      }),
      entry('DEFAULT ACL', 'DEFAULT PRIVILEGES FOR TABLES', {
        definition: 'ALTER DEFAULT PRIVILEGES FOR ROLE joe GRANT SELECT ON TABLES  TO auditor;',
      }),
      entry('POLICY', 'orders p', {
        definition: `CREATE POLICY p ON public.orders AS RESTRICTIVE FOR SELECT TO clerk, "night, guard" USING ((at > ('1'::text)::interval YEAR TO MONTH));`,
      }),
    ]),
  ).toEqual({
    owners: ['Night; Type: shift', 'joe'],
    grantees: ['PUBLIC; x', 'auditor', 'clerk', 'größe', 'night, guard', 'rea "der'],
    extensions: ['pg_trgm', 'uuid-ossp'],
  })
})

test('a schema public is created by a dump of one schema, not by the one that only describes it', () => {
  const of = (definition: string) => createsPublic([entry('SCHEMA', 'public', { definition })])
  expect(of('CREATE SCHEMA public;\n\n\n')).toBe(true)
  expect(of('-- *not* creating schema, since initdb creates it\n\n\n')).toBe(false)
  expect(createsPublic([entry('SCHEMA', 'billing', { definition: 'CREATE SCHEMA billing;' })])).toBe(false)
})
