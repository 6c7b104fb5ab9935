import { describe, expect, it } from 'vitest'
import { currentIn, filesIn, historyLines, revisionsIn, revisionsWith } from '../../src/formats/alembic.ts'
import { downgradeIn, operationsIn } from '../../src/formats/migration-source.ts'

describe('alembic history --verbose', () => {
  it('is read newest first, with files and first lines of descriptions', () => {
    const printed = `a banner of the application
Rev: 3c4d (head)
Parent: 2b3c
Path: /app/migrations/versions/3c4d_add_glossary_table.py

    add_glossary_table
    
    It also renames a column.

Rev: 2b3c
Parent: <base>
Path: /app/migrations/versions/2b3c_initial.py

    initial_schema

`
    expect(revisionsIn(printed)).toEqual([
      {
        id: '3c4d',
        down: ['2b3c'],
        head: true,
        message: 'add_glossary_table',
        path: '/app/migrations/versions/3c4d_add_glossary_table.py',
      },
      {
        id: '2b3c',
        down: [],
        head: false,
        message: 'initial_schema',
        path: '/app/migrations/versions/2b3c_initial.py',
      },
    ])
  })

  it('tells branches and merges', () => {
    const printed = `Rev: e5 (head) (mergepoint)
Merges: c3, d4
Path: /v/e5.py

    merge

Rev: d4
Parent: b2
Path: /v/d4.py

    one side

Rev: c3
Branch names: other
Parent: b2
Path: /v/c3.py

    other side

Rev: b2 (branchpoint)
Parent: <base>
Branches into: c3, d4
Path: /v/b2.py

`
    expect(revisionsIn(printed).map(({ id, down, head, message }) => [id, down, head, message])).toEqual([
      ['e5', ['c3', 'd4'], true, 'merge'],
      ['d4', ['b2'], false, 'one side'],
      ['c3', ['b2'], false, 'other side'],
      ['b2', [], false, ''],
    ])
  })

  it.each(['', 'FAILED: No config file', 'Revision: x'])('is empty where nothing of it is in %j', (text) => {
    expect(revisionsIn(text)).toEqual([])
  })
})

it('a history as people see it is read line by line, in the forms of the procedures', () => {
  const printed = `abc123 -> def456 (head), add_glossary_table
ghi789 -> abc123, add_document_status
jkl012 -> ghi789, initial_schema
a1, b2 -> c3 (mergepoint), merge
<base> -> a1 (other) (branchpoint), 
2024-01-11 a line of a log -> nothing`
  expect(historyLines(printed).map(({ id, down, head, message }) => [id, down, head, message])).toEqual([
    ['def456', ['abc123'], true, 'add_glossary_table'],
    ['abc123', ['ghi789'], false, 'add_document_status'],
    ['ghi789', ['jkl012'], false, 'initial_schema'],
    ['c3', ['a1', 'b2'], false, 'merge'],
    ['a1', [], false, ''],
  ])
})

it('files printed by grep are put together by their names', () => {
  const files = filesIn('/v/a.py:one: 1\n/v/a.py:\n/v/b.py:two\nnoise\n', ['/v/a.py', '/v/b.py', '/v/c.py'])
  expect([...files]).toEqual([
    ['/v/a.py', 'one: 1\n\n'],
    ['/v/b.py', 'two\n'],
  ])
})

it('a revision without a file that can be read has no downgrade to rely on', () => {
  expect(
    revisionsWith([{ id: 'a', down: [], head: true, message: '', path: null }], new Map()),
  ).toMatchObject([{ downgrade: 'missing', adds: [], breaks: [] }])
})

describe('a downgrade', () => {
  it.each([
    ['def downgrade():\n    pass\n', 'empty'],
    ['def downgrade():\n    """Cannot."""\n    # nothing\n    pass\n', 'empty'],
    ['def downgrade() -> None:\n    ...\n', 'empty'],
    ['def downgrade(): pass\n', 'empty'],
    ['def downgrade():\n    raise NotImplementedError("no way back")\n', 'empty'],
    ['def downgrade():\n    op.drop_table("t")\n', 'present'],
    ['def downgrade():\n    """Back."""\n    pass\n    op.drop_table("t")\n', 'present'],
    ['def downgrade():\r\n    op.drop_table("t")\r\n', 'present'],
    [
      'def downgrade():\n    if rows():\n        raise RuntimeError("would delete data")\n    op.drop_table("t")\n',
      'present',
    ],
    ['def upgrade():\n    pass\n', 'missing'],
    ['', 'missing'],
  ])('%j is %s', (source, worth) => {
    expect(downgradeIn(source)).toBe(worth)
  })
})

describe('an upgrade', () => {
  const up = (...lines: readonly string[]): string =>
    `def upgrade():\n${lines.map((line) => `    ${line}\n`).join('')}\n\ndef downgrade():\n    op.drop_table("never counted")\n`
  it.each<readonly [string, readonly string[], readonly string[]]>([
    [
      up('op.create_table("glossary", sa.Column("term", sa.Text, nullable=False))'),
      ['create_table glossary'],
      [],
    ],
    [up('op.add_column("t", sa.Column("note", sa.Text))'), ['add_column t'], []],
    [
      up('op.add_column("t", sa.Column("n", sa.Text, nullable=False, server_default="x"))'),
      ['add_column t'],
      [],
    ],
    [
      up('op.add_column("t", sa.Column("n", sa.Text, nullable=False))'),
      [],
      ['add_column t (not null, without a default)'],
    ],
    [up('op.drop_column("t", "status")'), [], ['drop_column t']],
    [
      up(
        'with op.batch_alter_table("t") as batch_op:',
        '    batch_op.alter_column("a", new_column_name="b")',
      ),
      [],
      ['alter_column a'],
    ],
    [up('op.execute("ALTER TABLE t RENAME COLUMN a TO b")'), [], ['RENAME COLUMN a TO b']],
    [
      up('op.execute("""', '  CREATE TABLE x (id int);', '  INSERT INTO x VALUES (1)', '""")'),
      ['CREATE TABLE x', 'INSERT INTO x VALUES'],
      [],
    ],
    [up('# op.drop_table("t")', 'pass'), [], []],
    ['', [], []],
  ])('%j', (source, adds, breaks) => {
    expect(operationsIn(source)).toEqual({ adds, breaks })
  })
})

describe('alembic current', () => {
  it.each([
    ['abc123 (head)\n', ['abc123']],
    ['abc123\n', ['abc123']],
    ['', []],
    ['abc123 (head)\ndef456 (effective head)\n', ['abc123', 'def456']],
    ['ae1027a6acf (branchpoint) (mergepoint)\r\n', ['ae1027a6acf']],
    [
      'INFO  [alembic.runtime.migration] Context impl SQLiteImpl.\nloading settings from /app\nabc123 (head)\n',
      ['abc123'],
    ],
  ])('%j is at %j', (text, wanted) => {
    expect(currentIn(text)).toEqual(wanted)
  })
})
