import { canonical, type JsonObject } from '../../kernel/json.ts'
import type { RunRecord } from '../../run/record/record.ts'

/** A file of the folder and its digest. */
export type Subject = { readonly name: string; readonly sha256: string }

/** The files that every evidence folder contains. */
export const names = {
  journal: 'journal.jsonl',
  run: 'run.json',
  report: 'report.md',
  page: 'report.html',
  junit: 'junit.xml',
  sums: 'SHA256SUMS',
  statement: 'statement.json',
  signature: 'statement.json.sig',
  envelope: 'statement.dsse.json',
} as const

/** Files that sign the others; they cannot be their own subjects. */
export const attestationFiles: readonly string[] = [names.statement, names.signature, names.envelope]
/** Evidence of earlier versions has no page; where it belongs, the rendering is compared with it. */
export const required: readonly string[] = Object.values(names).filter((name) => name !== names.page)

const byName = (one: Subject, other: Subject): number =>
  one.name < other.name ? -1 : one.name > other.name ? 1 : 0

/** For `sha256sum --check`: every file except itself and the attestation files. */
export function sumsOf(subjects: readonly Subject[]): string {
  return [...subjects]
    .sort(byName)
    .map(({ name, sha256 }) => `${sha256}  ${name}\n`)
    .join('')
}

/** Whether `sha256sum` writes the name unescaped, and it is unambiguous to a reader. */
export const isPlainName = (name: string): boolean => /^[^\p{C}\p{Zl}\p{Zp}\\\ufffd]+$/u.test(name)

export const statementType = 'https://in-toto.io/Statement/v1'
export const predicateType = 'urn:runbook:evidence:1'
/** The subject for the journal itself: the hash of its last entry. Not a valid file name here. */
export const headSubject = '\\journal-head'

/**
 * The signed in-toto Statement (version 1). It depends on the files and the record only, not on the current
 * time, so sealing again after a crash gives the same bytes.
 */
export function statementOf(subjects: readonly Subject[], record: RunRecord): string {
  const { run, mode, runbook, target, story, outcome, startedAt, endedAt, engine, plan, journal } = record
  const predicate: JsonObject = {
    run,
    mode,
    runbook,
    target,
    story,
    outcome,
    startedAt,
    endedAt,
    engine,
    plan: plan.digest,
    journal: { count: journal.count, seq: journal.seq, hash: journal.hash },
  }
  const files = [...subjects].sort(byName).map(({ name, sha256 }) => ({ name, digest: { sha256 } }))
  const subject = [...files, { name: headSubject, digest: { sha256: journal.hash } }]
  return `${canonical({ _type: statementType, predicateType, predicate, subject })}\n`
}
