import type { Revision } from '../drivers/migrations.ts'

/** The body of one function of a migration, without comments and docstring; null if it does not exist. */
function bodyOf(source: string, name: string): string | null {
  const lines = source.split(/\r?\n/)
  const start = lines.findIndex((line) => new RegExp(`^(?:async )?def ${name}\\b`).test(line))
  if (start === -1) return null
  const oneLine = /\)\s*(?:->[^:]*)?:\s*(?<rest>\S.*)$/.exec(lines[start] ?? '')?.groups?.['rest']
  const end = lines.findIndex((line, index) => index > start && /^\S/.test(line) && !/^[)#]/.test(line))
  const body = [
    ...(oneLine === undefined ? [] : [oneLine]),
    ...lines.slice(start + 1, end === -1 ? lines.length : end),
  ].join('\n')
  return body
    .replace(/^\s*(?:[rRuU]?)("""|''')[\s\S]*?\1/, '')
    .replace(/^\s*#.*$/gm, '')
    .trim()
}

/** Whether `downgrade()` does anything: one that only passes or raises reverts nothing. */
export function downgradeIn(source: string): Revision['downgrade'] {
  const body = bodyOf(source, 'downgrade')
  if (body === null) return 'missing'
  return /^(?:|pass|\.\.\.|return(?: None)?|raise\b[^\n]*(?:\([\s\S]*\))?)$/.test(body) ? 'empty' : 'present'
}

const adding = ['create_table', 'add_column', 'create_index', 'bulk_insert']
const breaking = [
  'drop_table',
  'drop_column',
  'drop_constraint',
  'alter_column',
  'rename_table',
  'create_unique_constraint',
  'create_check_constraint',
  'create_foreign_key',
  'create_primary_key',
  'create_exclude_constraint',
]

/** SQL that may remove, rename or constrain something an older application uses. */
const breakingSql =
  /\b(?:DROP\s+(?:TABLE|COLUMN|VIEW|TYPE|SCHEMA)|RENAME|ALTER\s+COLUMN|SET\s+NOT\s+NULL|ADD\s+CONSTRAINT|TRUNCATE|DELETE\s+FROM|UPDATE)\b[^"'\n;]*/gi
const addingSql =
  /\b(?:CREATE\s+(?:TABLE|(?:UNIQUE\s+)?INDEX|VIEW|TYPE|SCHEMA)|ADD\s+COLUMN|INSERT\s+INTO)\b[^"'\n;(]*/gi

/**
 * What `upgrade()` does, judged by its source. A hint only: it may call functions unknown here. A new NOT
 * NULL column without a default breaks an older application as much as a dropped one.
 */
export function operationsIn(source: string): Pick<Revision, 'adds' | 'breaks'> {
  const body = bodyOf(source, 'upgrade') ?? ''
  const calls = [...body.matchAll(/\b(?:op|batch_op|batch)\.(\w+)\(\s*(?:["']([^"']*)["'])?/g)].map(
    ({ 1: name = '', 2: first, index }) => {
      const label = first === undefined || name === 'execute' ? name : `${name} ${first}`
      const strict =
        name === 'add_column' &&
        /nullable\s*=\s*False/.test(callAt(body, index)) &&
        !/server_default/.test(callAt(body, index))
      return { name, label, strict }
    },
  )
  const adds = calls.filter(({ name, strict }) => adding.includes(name) && !strict).map(({ label }) => label)
  const breaks = calls
    .filter(({ name, strict }) => breaking.includes(name) || strict)
    .map(({ label, strict }) => (strict ? `${label} (not null, without a default)` : label))
  const sql = [...body.matchAll(/\.execute\(/g)].map(({ index }) => callAt(body, index)).join('\n')
  const statements = (pattern: RegExp): readonly string[] =>
    [...sql.matchAll(pattern)].map(([found]) => found.replace(/\s+/g, ' ').trim())
  return { adds: [...adds, ...statements(addingSql)], breaks: [...breaks, ...statements(breakingSql)] }
}

/**
 * The source of a call, from its name to its closing bracket. Brackets in string literals are not handled.
 */
function callAt(body: string, index: number): string {
  let depth = 0
  for (let at = index; at < body.length; at += 1) {
    if (body[at] === '(') depth += 1
    if (body[at] === ')' && (depth -= 1) === 0) return body.slice(index, at + 1)
  }
  return body.slice(index)
}
