import { describe, expect, test } from 'vitest'
import { SqlScript, ScriptRefused } from '../../src/formats/dumps/sql-script.ts'

const script = String.raw`-- a comment
SELECT 'a;''b', E'c\';d', "e;""f", $$g;$$, $x$ h; $$ $x$, /* i; /* j; */ k; */ (1; 2);
CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
COPY public.orders (id, "a;b") FROM stdin;
1	x;
2	\\.
\N	\.x
\.
\connect shop
SELECT 1 AS a$b$c, 2::text[1:2];
COPY app."odd "" one" FROM stdin;
\.
`

const split = (text: string, size: number): readonly string[] => {
  const reader = new SqlScript()
  const bytes = Buffer.from(text)
  const pieces = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(...reader.push(bytes.subarray(at, at + size)))
  pieces.push(...reader.end())
  const found: string[] = []
  let rows = 0
  for (const piece of pieces) {
    if (piece.is === 'rows') rows += piece.count
    else if (piece.is === 'rows-end') {
      found.push(`${rows} rows`)
      rows = 0
    } else found.push(piece.is === 'command' ? piece.text : piece.bytes.toString())
  }
  return found
}

describe('a script for psql', () => {
  test.each([1, 2, 3, 5, 8, 13, 64, 10_000])('is split as psql does, in parts of %i bytes', (size) => {
    const found = split(script, size)
    expect(found).toEqual([
      '-- a comment',
      script.slice(script.indexOf('SELECT'), script.indexOf('\nCREATE')),
      script.slice(script.indexOf('CREATE'), script.indexOf('\nCOPY')),
      'COPY public.orders (id, "a;b") FROM stdin;',
      '3 rows',
      String.raw`\connect shop`,
      'SELECT 1 AS a$b$c, 2::text[1:2];',
      'COPY app."odd "" one" FROM stdin;',
      '0 rows',
    ])
  })

  test.each([
    ["SELECT 'a", 'ends in a statement'],
    ['SELECT 1', 'ends in a statement'],
    ['/* a', 'ends in a statement'],
    ['COPY t FROM stdin;\n1\n', 'ends in the data of a COPY'],
    ['COPY t FROM stdin;', 'ends in the data of a COPY'],
    ['SELECT 1 \\gexec\n', 'a command of psql inside a statement'],
    ["COPY t FROM '/etc/passwd';\n", 'not of its own data'],
    ["COPY t FROM PROGRAM 'x';\n", 'not of its own data'],
    ["COPY (SELECT 1) TO PROGRAM 'x';\n", 'not of its own data'],
    ['copy t from stdin;\n', 'not of its own data'],
    ['COPY t FROM stdin; SELECT 1;\n\\.\n', 'more after it in its line'],
  ])('%j is refused', (text, why) => {
    for (const size of [1, 1000]) {
      expect(() => split(text, size)).toThrow(ScriptRefused)
      expect(() => split(text, size)).toThrow(why)
    }
  })

  test('the end of the data is a line of its own, as psql takes it', () => {
    const text = 'COPY t FROM stdin;\n\\.\rno\n \\.\n\\..\nx\\.\n\\.\r\nSELECT 1;\n'
    expect(split(text, 1)).toEqual(['COPY t FROM stdin;', '4 rows', 'SELECT 1;'])
    expect(split(text, 1000)).toEqual(split(text, 1))
  })
})
