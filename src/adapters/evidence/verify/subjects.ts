import { canonical, type Json } from '../../../kernel/json.ts'
import {
  headSubject,
  names,
  predicateType,
  required,
  statementType,
  attestationFiles,
  type Subject,
} from '../statement.ts'
import type { Findings } from './defects.ts'

/** The readable fields of a statement. */
export type Statement = {
  readonly digests: ReadonlyMap<string, string>
  readonly head: string | null
  readonly count: number | null
  /** When the run ended, in milliseconds since 1970. */
  readonly signedAt: number | null
}

/** @throws TypeError if it is not a statement */
export function readStatement(found: Findings, text: string): Statement {
  const file = names.statement
  const value = JSON.parse(text) as {
    _type?: unknown
    predicateType?: unknown
    predicate?: { journal?: { count?: unknown; hash?: unknown }; startedAt?: unknown; endedAt?: unknown }
    subject?: readonly { name?: unknown; digest?: { readonly [algorithm: string]: unknown } }[]
  }
  if (typeof value !== 'object' || value === null || !Array.isArray(value.subject))
    throw new TypeError('no subjects found')
  if (value._type !== statementType || value.predicateType !== predicateType)
    found.add('statement-type', file)
  if (`${canonical(value as unknown as Json)}\n` !== text) found.add('statement-not-canonical', file)
  const digests = new Map<string, string>()
  let head: string | null = null
  for (const { name, digest } of value.subject as NonNullable<typeof value.subject>) {
    if (typeof name !== 'string' || typeof digest !== 'object' || digest === null)
      throw new TypeError('a subject has no name or no digest')
    const sha256 = digest['sha256']
    if (Object.keys(digest).join() !== 'sha256' || typeof sha256 !== 'string')
      found.add('digest-algorithm', name)
    else if (digests.has(name) || (name === headSubject && head !== null)) found.add('subject-twice', name)
    else if (name === headSubject) head = sha256
    else digests.set(name, sha256)
  }
  if (head === null) found.add('subject-missing', headSubject)
  const { journal, startedAt, endedAt } = value.predicate ?? {}
  const time = typeof endedAt === 'string' ? endedAt : typeof startedAt === 'string' ? startedAt : null
  if (head !== null && journal?.hash !== head)
    found.add('head-differs', file, 'subject and predicate disagree')
  return {
    digests,
    head,
    count: typeof journal?.count === 'number' ? journal.count : null,
    signedAt: time === null || Number.isNaN(Date.parse(time)) ? null : Date.parse(time),
  }
}

/** Compares the files in the folder with the subjects, in both directions. */
export function checkSubjects(
  found: Findings,
  statement: Statement,
  there: ReadonlyMap<string, string>,
): void {
  for (const [name, sha256] of statement.digests) {
    if (!found.sound(name)) continue
    const digest = there.get(name)
    if (digest === undefined) found.add('file-missing', name)
    else if (digest !== sha256) found.add('file-altered', name)
  }
  for (const name of there.keys()) {
    if (statement.digests.has(name) || attestationFiles.includes(name) || !found.sound(name)) continue
    found.add(required.includes(name) ? 'subject-missing' : 'file-extra', name)
  }
}

/** Checks SHA256SUMS: every line must match, and no file may be missing. */
export function checkSums(found: Findings, text: string, there: ReadonlyMap<string, string>): void {
  const listed: Subject[] = text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [, sha256, name] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? []
      if (sha256 === undefined || name === undefined) throw new TypeError(JSON.stringify(line.slice(0, 100)))
      return { name, sha256 }
    })
  if (!text.endsWith('\n')) throw new TypeError('its last line has no newline')
  if (new Set(listed.map(({ name }) => name)).size !== listed.length)
    throw new TypeError('a file is listed twice')
  for (const { name, sha256 } of listed) {
    if (found.sound(name) && there.get(name) !== sha256) found.add('sums-differ', name)
  }
  for (const name of there.keys()) {
    if (name === names.sums || attestationFiles.includes(name) || !found.sound(name)) continue
    if (!listed.some((one) => one.name === name)) found.add('sums-differ', name, 'it is not listed')
  }
}
