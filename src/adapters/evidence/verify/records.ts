import { join } from 'node:path'
import { canonical, type Json } from '../../../kernel/json.ts'
import { chainFault } from '../../../run/journal/hash-chain.ts'
import type { LogFile, Stored } from '../../../run/journal/entry.ts'
import type { EvidenceFile } from '../../../run/journal/evidence.ts'
import { rendering, type RunRecord } from '../../../run/record/record.ts'
import { digestOfFile } from '../contents.ts'
import { names, statementOf } from '../statement.ts'
import type { Findings, Reason } from './defects.ts'
import type { Statement } from './subjects.ts'

/** @throws TypeError for a line that is not an entry */
export function readJournal(text: string): readonly Stored[] {
  if (!text.endsWith('\n')) throw new TypeError('its last line has no newline')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, index) => {
      const value = JSON.parse(line) as Stored
      if (
        typeof value !== 'object' ||
        value === null ||
        typeof value.entry !== 'object' ||
        value.entry === null
      )
        throw new TypeError(`line ${index + 1} is not an entry`)
      if (canonical(value) !== line) throw new TypeError(`line ${index + 1} is not canonical`)
      return value
    })
}

/** Checks that the chain is intact, of one run, and of the signed length. */
export function checkJournal(found: Findings, entries: readonly Stored[], statement: Statement | null): void {
  const broken = chainFault(entries)
  if (broken !== null) return found.add('chain-broken', names.journal, broken)
  if (new Set(entries.map(({ run }) => run)).size !== 1)
    return found.add('chain-broken', names.journal, 'it contains entries of several runs')
  if (statement === null) return
  if (statement.count !== entries.length)
    return found.add(
      'count-differs',
      names.journal,
      `expected ${String(statement.count)}, found ${entries.length}`,
    )
  if (statement.head !== entries.at(-1)?.hash) found.add('head-differs', names.journal)
}

/** @throws TypeError if it is not a record */
export function readRecord(found: Findings, text: string): RunRecord {
  const value = JSON.parse(text) as RunRecord
  if (
    typeof value !== 'object' ||
    value === null ||
    typeof value.rendering !== 'number' ||
    !Array.isArray(value.steps)
  )
    throw new TypeError('fields are missing')
  if (`${canonical(value as Json)}\n` !== text) found.add('run-not-canonical', names.run)
  return value
}

/** Renders the files again from the journal and compares them byte by byte. */
export function checkRendering(
  found: Findings,
  record: RunRecord,
  rendered: () => readonly EvidenceFile[],
  text: (name: string) => string | null,
): void {
  if (record.rendering > rendering)
    return found.add(
      'rendering-unknown',
      names.run,
      `rendering ${record.rendering}, this program supports ${rendering}`,
    )
  // Older renderings cannot be reproduced; their signature still covers them.
  if (record.rendering < rendering) return
  const differs: { readonly [name: string]: Reason } = {
    [names.run]: 'run-differs',
    [names.report]: 'report-differs',
    [names.page]: 'page-differs',
    [names.junit]: 'junit-differs',
  }
  for (const { name, body } of rendered()) {
    const reason = differs[name]
    if (reason === undefined || !found.sound(name) || text(name) === body) continue
    found.add(text(name) === null ? 'file-missing' : reason, name)
  }
}

/**
 * A log may have grown after its step ended (an interrupted later attempt), but must begin with the recorded
 * bytes.
 */
export async function checkLogs(found: Findings, folder: string, record: RunRecord): Promise<void> {
  const last = new Map<string, LogFile>()
  for (const { log } of record.steps.flatMap((step) => [...step.attempts, ...step.undo]))
    if (log !== null && !isEmpty(log)) last.set(log.file, log)
  for (const log of last.values()) {
    if (!found.sound(log.file)) continue
    await found.check('log-differs', log.file, async () => {
      const { bytes, sha256 } = await digestOfFile(join(folder, log.file), log.bytes)
      if (bytes !== log.bytes || sha256 !== log.sha256) found.add('log-differs', log.file)
    })
  }
}

const isEmpty = (log: LogFile): boolean => log.bytes === 0 && log.problem !== undefined

/** Checks that the statement matches the record. */
export function checkPredicate(found: Findings, statement: Statement, text: string, record: RunRecord): void {
  if (record.rendering < rendering) return
  const subjects = [...statement.digests].map(([name, sha256]) => ({ name, sha256 }))
  if (statementOf(subjects, record) !== text) found.add('statement-differs', names.statement)
}
