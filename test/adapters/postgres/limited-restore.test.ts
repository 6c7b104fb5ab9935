import { describe, expect, test } from 'vitest'
import { scramVerifier } from '../../../src/adapters/postgres/limited/login.ts'
import {
  grantStatements,
  mainOwner,
  ownerStatement,
} from '../../../src/adapters/postgres/limited/ownership-statements.ts'
import {
  asComments,
  commentStatements,
  extensionTables,
  preparedEntries,
} from '../../../src/adapters/postgres/limited/extensions.ts'
import { superuserNeeds } from '../../../src/adapters/postgres/limited/superuser-needs.ts'
import type { ArchiveEntry } from '../../../src/adapters/postgres/archive/table-of-contents.ts'

const entry = (kind: string, name: string, more: Partial<ArchiveEntry> = {}): ArchiveEntry => ({
  id: 0,
  kind,
  name,
  schema: null,
  owner: 'joe',
  definition: '',
  at: { kind: { start: 0, end: 0 }, definition: { start: 0, end: 0 } },
  dropping: '',
  tablespace: null,
  hasData: false,
  needs: [],
  ...more,
})
const rules = {
  trustedLanguages: ['plperl'],
  superuserSettings: ['session_replication_role'],
  user: 'postgres',
}
const needs = (...entries: readonly ArchiveEntry[]) => superuserNeeds(entries, rules)
const routine = (definition: string): ArchiveEntry =>
  entry('FUNCTION', 'f()', { schema: 'public', definition, dropping: 'DROP FUNCTION public.f();\n' })

describe('what of a dump needs a superuser', () => {
  test('nothing, where the owner of a database can create all of it', () => {
    expect(
      needs(
        entry('ENCODING', 'ENCODING', { owner: null }),
        entry('SCHEMA', 'app'),
        entry('EXTENSION', 'citext', {
          definition: 'CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;\n',
        }),
        entry('TABLE', 't', {
          schema: 'app',
          definition:
            'CREATE TABLE app.t (\n    id integer\n);\nALTER TABLE ONLY app.t FORCE ROW LEVEL SECURITY;\n',
        }),
        entry('TYPE', 'my.mood', {
          schema: 'app',
          definition: 'CREATE TYPE app."my.mood" AS ENUM (\n    \'sad\'\n);\n',
        }),
        routine(
          "CREATE FUNCTION public.f() RETURNS integer\n    LANGUAGE plperl\n    SET search_path TO 'app'\n    AS $$ LEAKPROOF; LANGUAGE c; SET session_replication_role $$;\n",
        ),
        entry('PUBLICATION', 'p', { definition: "CREATE PUBLICATION p WITH (publish = 'insert');\n" }),
        entry('ACL', 'TABLE t', { definition: 'GRANT SELECT ON TABLE app.t TO reader;\n' }),
      ),
    ).toEqual([])
  })

  test.each<[string, ArchiveEntry, string]>([
    ['an event trigger', entry('EVENT TRIGGER', 'guard'), 'event trigger guard'],
    ['a foreign data wrapper', entry('FOREIGN DATA WRAPPER', 'w'), 'foreign data wrapper w'],
    ['a kind that is not known', entry('NEW KIND', 'x'), 'new kind x'],
    [
      'a function in C',
      routine(
        "CREATE FUNCTION public.f() RETURNS integer\n    LANGUAGE c STRICT\n    AS '$libdir/x', 'f';\n",
      ),
      'function f() in c',
    ],
    [
      'a function in a language that not everybody may use',
      routine('CREATE FUNCTION public.f() RETURNS integer\n    LANGUAGE plpython3u\n    AS $$ 1 $$;\n'),
      'function f() in plpython3u',
    ],
    [
      'a leakproof function',
      routine('CREATE FUNCTION public.f() RETURNS integer\n    LANGUAGE sql LEAKPROOF\n    AS $$ 1 $$;\n'),
      'function f(), which is trusted to be leakproof',
    ],
    [
      'a function with a setting of superusers',
      routine(
        "CREATE FUNCTION public.f() RETURNS integer\n    LANGUAGE sql\n    SET session_replication_role TO 'replica'\n    AS $$ 1 $$;\n",
      ),
      'function f(), which sets session_replication_role',
    ],
    [
      'a base type',
      entry('TYPE', 'box', { schema: 's', definition: 'CREATE TYPE s.box (\n    INTERNALLENGTH = 16' }),
      'type box',
    ],
    [
      'a publication of all tables',
      entry('PUBLICATION', 'p', { definition: 'CREATE PUBLICATION p FOR ALL TABLES;\n' }),
      'publication p of all tables',
    ],
    [
      'another tablespace',
      entry('INDEX', 'i', { schema: 's', tablespace: 'ssd' }),
      'index i in the tablespace ssd',
    ],
    [
      'privileges that are anything else',
      entry('ACL', 'TABLE t', { definition: 'GRANT pg_execute_server_program TO joe;' }),
      'the privileges of TABLE t',
    ],
  ])('%s', (_, one, need) => {
    expect(needs(entry('TABLE', 't', { schema: 'app' }), one)).toEqual([need])
  })

  test('operators of several owners', () => {
    const operator = (owner: string) => entry('OPERATOR', '===', { schema: 'app', owner })
    const tables = [entry('TABLE', 't', { schema: 'app' }), entry('TABLE', 'u', { schema: 'app' })]
    expect(needs(...tables, operator('joe'))).toEqual([])
    expect(needs(...tables, operator('ann'))).toEqual([])
    expect(needs(...tables, operator('ann'), operator('joe'))).toEqual(['operator === of another owner'])
  })

  test('a materialized view over row security that binds its owner', () => {
    const forced = entry('TABLE', 't', {
      schema: 'a',
      definition: 'ALTER TABLE ONLY a.t FORCE ROW LEVEL SECURITY;',
    })
    expect(needs(forced, entry('MATERIALIZED VIEW DATA', 'm', { schema: 'a' }))).toHaveLength(1)
  })
})

describe('statements of the superuser after the restore', () => {
  const grants = (definition: string, kind = 'ACL') => grantStatements(entry(kind, 'TABLE t', { definition }))

  test('are grants as the dump has them', () => {
    expect(
      grants(`REVOKE ALL ON TABLE public."a TO b" FROM joe;
GRANT SELECT(id),UPDATE ON TABLE public."a TO b" TO "rea ""der" WITH GRANT OPTION;
SET SESSION AUTHORIZATION "rea ""der";
GRANT ALL ON FUNCTION public.f(a integer, VARIADIC b text[]) TO x;
RESET SESSION AUTHORIZATION;
`),
    ).toEqual([
      'REVOKE ALL ON TABLE public . "a TO b" FROM joe',
      'GRANT SELECT ( id ) , UPDATE ON TABLE public . "a TO b" TO "rea ""der" WITH GRANT OPTION',
      'SET SESSION AUTHORIZATION "rea ""der"',
      'GRANT ALL ON FUNCTION public . f ( a integer , VARIADIC b text [ ] ) TO x',
      'RESET SESSION AUTHORIZATION',
    ])
    expect(
      grants(
        'ALTER DEFAULT PRIVILEGES FOR ROLE joe IN SCHEMA public GRANT SELECT ON TABLES  TO x;\n',
        'DEFAULT ACL',
      ),
    ).toEqual(['ALTER DEFAULT PRIVILEGES FOR ROLE joe IN SCHEMA public GRANT SELECT ON TABLES TO x'])
  })

  test.each([
    'CREATE ROLE evil SUPERUSER;',
    'GRANT postgres TO evil;',
    'GRANT postgres TO evil WITH ADMIN OPTION GRANTED BY x ON TABLE;',
    'GRANT SET ON PARAMETER log_statement TO evil;',
    'GRANT CREATE ON TABLESPACE pg_default TO evil;',
    'GRANT ALL ON DATABASE other TO evil;',
    "GRANT SELECT ON TABLE t TO x; COPY t TO PROGRAM 'id';",
    'GRANT SELECT ON TABLE t TO x \\! id',
    'GRANT SELECT ON TABLE t TO x -- y',
    'GRANT SELECT ON TABLE t TO x /* ; */',
    'GRANT SELECT ON TABLE t TO $$x$$',
    "GRANT SELECT ON TABLE t TO E'x'",
    'GRANT SELECT ON TABLE t TO :x',
    'SET SESSION AUTHORIZATION postgres CASCADE;',
    'ALTER DEFAULT PRIVILEGES FOR ROLE joe GRANT SELECT ON TABLES TO x;',
  ])('are never other SQL: %s', (sql) => {
    expect(grants(sql)).toBeNull()
  })

  test('give each object to its owner', () => {
    const of = (kind: string, name: string, more: Partial<ArchiveEntry> = {}) =>
      ownerStatement(entry(kind, name, { schema: 'a"b', ...more }), 'new owner')
    expect(of('TABLE', 'order s')).toBe('ALTER TABLE "a""b"."order s" OWNER TO "new owner"')
    expect(of('SCHEMA', 'x', { schema: null })).toBe('ALTER SCHEMA "x" OWNER TO "new owner"')
    expect(of('BLOB', '4711')).toBe('ALTER LARGE OBJECT 4711 OWNER TO "new owner"')
    expect(
      of('FUNCTION', 'f(integer)', { dropping: 'DROP FUNCTION public."f ;"(a integer, b "char"[]);\n' }),
    ).toBe('ALTER FUNCTION public . "f ;" ( a integer , b "char" [ ] ) OWNER TO "new owner"')
    expect(of('INDEX', 'i')).toBeNull()
  })

  test.each<[string, string]>([
    ['FUNCTION', 'DROP FUNCTION public.f(); CREATE ROLE evil SUPERUSER;'],
    ['FUNCTION', "DROP FUNCTION public.f() OWNER TO x; COPY t TO PROGRAM 'id'"],
    ['FUNCTION', 'DROP TABLE t;'],
    ['BLOB', ''],
  ])('are not composed from anything else: %s %s', (kind, dropping) => {
    expect(ownerStatement(entry(kind, '1; DROP TABLE t', { schema: 'public', dropping }), 'x')).toBe(
      'unknown',
    )
  })

  test('the owner of most objects gets all at once; objects without one belong to the user', () => {
    const table = (owner: string | null) => entry('TABLE', 't', { schema: 'a', owner })
    expect(
      mainOwner([table('joe'), table('ann'), table('ann'), entry('INDEX', 'i'), entry('INDEX', 'j')], 'me'),
    ).toBe('ann')
    expect(mainOwner([table(null)], 'me')).toBe('me')
    expect(mainOwner([], 'me')).toBe('me')
  })
})

describe('extensions', () => {
  const extension = (definition: string) => entry('EXTENSION', 'x', { owner: null, definition })
  const known = extension('CREATE EXTENSION IF NOT EXISTS "x-y" WITH SCHEMA ext;\n')

  test('are created before, with their schema; pg_restore reads comments in their place', () => {
    const entries = [
      entry('SCHEMA', 'ext', { definition: 'CREATE SCHEMA ext;\n' }),
      entry('SCHEMA', 'public', { definition: '-- *not* creating schema, since initdb creates it\n\n' }),
      entry('SCHEMA', 'other', { definition: 'CREATE SCHEMA other;\n' }),
      { ...known, at: { kind: { start: 3, end: 12 }, definition: { start: 20, end: 30 } } },
      entry('COMMENT', 'EXTENSION x-y', { definition: '' }),
    ]
    expect(preparedEntries(entries).map(({ name }) => name)).toEqual(['ext', 'x', 'EXTENSION x-y'])
    expect(asComments(entries.slice(3)).map(({ start, bytes }) => [start, String(bytes)])).toEqual([
      [3, 'extension'],
      [20, '---------\n'],
      [0, 'comment'],
      [0, ''],
    ])
  })

  test.each([
    'CREATE EXTENSION IF NOT EXISTS x WITH SCHEMA ext; CREATE ROLE evil SUPERUSER;',
    "CREATE EXTENSION x WITH SCHEMA ext VERSION '0.1';",
  ])('need a superuser where their definition is another: %s', (definition) => {
    expect(needs(extension(definition))).toEqual(['extension x'])
  })

  test('have comments, composed anew', () => {
    const comment = (definition: string) =>
      commentStatements([entry('COMMENT', 'EXTENSION x', { definition })])
    expect(comment("COMMENT ON EXTENSION \"x-y\" IS 'it''s; \\ ours';\n")).toEqual([
      "COMMENT ON EXTENSION \"x-y\" IS  E'it''s; \\\\ ours'",
    ])
    expect(comment("COMMENT ON EXTENSION x IS 'a'; DROP TABLE t;")).toEqual([])
    expect(comment("COMMENT ON ROLE x IS 'a';")).toEqual([])
  })

  test('have tables that the dump does not define', () => {
    const data = (name: string) => entry('TABLE DATA', name, { schema: 'public' })
    expect(
      extensionTables([entry('TABLE', 't', { schema: 'public' }), data('t'), data('spatial_ref_sys')]).map(
        ({ name }) => name,
      ),
    ).toEqual(['spatial_ref_sys'])
    expect(needs(entry('SEQUENCE SET', 's', { schema: 'public' }))).toEqual([
      'the sequence s of an extension',
    ])
  })
})

test('a password is stored as RFC 7677 shows it', () => {
  expect(scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'))).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
})
