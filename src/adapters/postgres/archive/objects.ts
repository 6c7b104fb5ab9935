import type { DatabaseObject } from '../../../drivers/databases.ts'
import { qualifiedName } from '../../../kernel/qualified-name.ts'
import type { ArchiveEntry } from './table-of-contents.ts'

/** Kinds that are no objects of their own, are data, or belong to the database itself. */
const notObjects = new Set([
  'BLOB COMMENTS',
  'BLOB METADATA',
  'BLOB',
  'BLOBS',
  'DATABASE PROPERTIES',
  'DATABASE',
  'DEFAULT',
  'ENCODING',
  'INDEX ATTACH',
  'MATERIALIZED VIEW DATA',
  'SEARCHPATH',
  'SEQUENCE OWNED BY',
  'SEQUENCE SET',
  'SHELL TYPE',
  'STATISTICS DATA',
  'STDSTRINGS',
  // Never restored.
  'SUBSCRIPTION TABLE',
  'SUBSCRIPTION',
  'TABLE ATTACH',
  'TABLE DATA',
])

/** Kinds that are lost with what they belong to. */
const parts = new Set([
  'ACL',
  'CHECK CONSTRAINT',
  'COMMENT',
  'CONSTRAINT',
  'FK CONSTRAINT',
  'INDEX',
  'POLICY',
  'PUBLICATION TABLE',
  'PUBLICATION TABLES IN SCHEMA',
  'ROW SECURITY',
  'RULE',
  'SECURITY LABEL',
  'STATISTICS',
  'TRIGGER',
  'USER MAPPING',
])

/** Each object that a dump creates, once. A kind that is not known counts as one. */
export function objectsOf(entries: readonly ArchiveEntry[]): readonly DatabaseObject[] {
  const objects = entries.filter(isObject)
  const titles = new Map(objects.map((entry) => [entry.id, titleOf(entry)]))
  const tables = new Map(
    objects.flatMap((one) => (one.kind === 'TABLE' ? [[nameOf(one), titleOf(one)]] : [])),
  )
  return objects.map((entry) => {
    const owner = tables.get(nameOf({ ...entry, name: entry.name.split(' ')[0] ?? '' }))
    const needed = [...entry.needs.map((id) => titles.get(id)), parts.has(entry.kind) ? owner : undefined]
    return {
      title: titleOf(entry),
      partOf: parts.has(entry.kind) ? needed.filter((one) => one !== undefined) : [],
    }
  })
}

/** Comments and privileges of databases and large objects go with these. */
const isObject = ({ kind, name }: ArchiveEntry): boolean =>
  !notObjects.has(kind) &&
  !(/^(?:ACL|COMMENT|SECURITY LABEL)$/.test(kind) && /^(?:DATABASE|LARGE OBJECTS?) /.test(name))

const nameOf = ({ schema, name }: Pick<ArchiveEntry, 'schema' | 'name'>): string =>
  schema === null ? name : qualifiedName(schema, name)

/** Of privileges without the kind of their object, which pg_dump has written since version 11 only. */
function titleOf({ kind, schema, name }: ArchiveEntry): string {
  const inSchema = schema === null ? '' : ` in ${schema}`
  if (kind === 'ACL') return `privileges: ${name.replace(/^[A-Z ]+ (?=.)/, '')}${inSchema}`
  if (kind === 'COMMENT' || kind === 'SECURITY LABEL' || kind === 'DEFAULT ACL')
    return `${kind === 'DEFAULT ACL' ? 'default privileges' : kind.toLowerCase()}: ${name}${inSchema}`
  return `${kind.toLowerCase()}: ${nameOf({ schema, name })}`
}
