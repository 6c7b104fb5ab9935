import { basename, join } from 'node:path'
import { sha256 } from '../../kernel/json.ts'
import type { Stored } from '../../run/journal/entry.ts'
import type { EvidenceFile } from '../../run/journal/evidence.ts'
import type { RunRecord } from '../../run/record/record.ts'
import type { TrustedKey } from './allowed-signers.ts'
import { contentsOf, digestOfFile, openRegular } from './contents.ts'
import { attestationFiles, isPlainName, names, required } from './statement.ts'
import { Findings, type Defect } from './verify/defects.ts'
import {
  checkJournal,
  checkLogs,
  checkPredicate,
  checkRendering,
  readJournal,
  readRecord,
} from './verify/records.ts'
import { checkEnvelope, checkSignature } from './verify/signatures.ts'
import { checkSubjects, checkSums, readStatement, type Statement } from './verify/subjects.ts'

/** The verifier's own input; nothing of it comes from the folder. */
export type Verifier = {
  /** Null: no key is known, so who signed is not checked, but everything else is. */
  readonly trusted: readonly TrustedKey[] | null
  /** Renders the files from the journal again. */
  filesOf(entries: readonly Stored[]): readonly EvidenceFile[]
  /** Whether the folder must have the name of its run, under which people find it. */
  readonly named?: boolean
}

/** What a folder must be the evidence of, according to the journal. */
export type Expected = {
  readonly run: string
  readonly target: string
  /** Of the last seal; null if the run is not sealed. */
  readonly digest: string | null
}

/** What was verified. The record is the folder's own word, so it counts only without defects. */
export type Verdict = { readonly defects: readonly Defect[]; readonly record: RunRecord | null }

/** No evidence file is larger, except logs, which are never read into memory. Bytes. */
const largest = 256 << 20

/** As `verdictOn`. @returns the defects, one reason each; empty if the evidence is valid */
export const verifyEvidence = async (folder: string, verifier: Verifier): Promise<readonly Defect[]> =>
  (await verdictOn(folder, verifier)).defects

/**
 * Verifies an evidence folder with the trusted keys, offline and on any machine. Never throws because of its
 * contents: what cannot be checked is a defect.
 * @param expected what the journal of this machine knows of it; null where only the folder is given
 */
export async function verdictOn(
  folder: string,
  { trusted, filesOf, named }: Verifier,
  expected: Expected | null = null,
): Promise<Verdict> {
  const found = new Findings()
  let verified: RunRecord | null = null
  await found.check('unverifiable', '', async () => {
    const there = await digestsOf(folder, found)
    if (there === null) return
    if (expected?.digest === null || attestationFiles.every((name) => !there.has(name)))
      return found.add('not-sealed', '')
    const digest = there.get(names.statement)
    const texts = new Map<string, string>()
    for (const name of [...required, names.page]) {
      if (!there.has(name) && found.sound(name) && required.includes(name)) found.add('file-missing', name)
      if (there.has(name))
        await found.check(
          'file-unreadable',
          name,
          async () => void texts.set(name, await textOf(join(folder, name), there.get(name))),
        )
    }
    const text = (name: string): string | null => texts.get(name) ?? null
    const statement = await checkAttestations(found, trusted, there, text)
    await checkEmptyFolders(found, folder, statement)
    const entries = await journalIn(found, text, statement)
    const record = await recordIn(found, text)
    if (record === null) return
    verified = record
    if (expected !== null) checkExpected(found, record, expected, digest)
    if (named === true && basename(folder) !== basename(record.evidence))
      found.add('folder-renamed', '', `${basename(folder)}, not ${basename(record.evidence)}`)
    if (entries !== null)
      await found.check('journal-malformed', names.journal, () =>
        checkRendering(found, record, () => filesOf(entries), text),
      )
    await found.check('run-malformed', names.run, () => checkLogs(found, folder, record))
    const statementText = text(names.statement)
    if (
      statement === null ||
      statementText === null ||
      !found.sound(names.statement) ||
      !found.sound(names.run)
    )
      return
    await found.check('run-malformed', names.run, () =>
      checkPredicate(found, statement, statementText, record),
    )
  })
  return { defects: found.all, record: verified }
}

function checkExpected(
  found: Findings,
  record: RunRecord,
  expected: Expected,
  digest: string | undefined,
): void {
  if (record.run !== expected.run) return found.add('wrong-run', '', `${record.run}, not ${expected.run}`)
  if (record.target !== expected.target)
    return found.add('wrong-target', '', `${record.target}, not ${expected.target}`)
  if (digest !== expected.digest)
    found.add('wrong-seal', '', `${String(digest)}, not ${String(expected.digest)}`)
}

async function digestsOf(folder: string, found: Findings): Promise<ReadonlyMap<string, string> | null> {
  const digests = new Map<string, string>()
  try {
    const { files, others } = await contentsOf(folder)
    for (const name of others) found.add('not-a-file', name)
    for (const name of files) {
      if (!isPlainName(name)) found.add('file-extra', name)
      else
        await found.check(
          'file-unreadable',
          name,
          async () => void digests.set(name, (await digestOfFile(join(folder, name))).sha256),
        )
    }
  } catch (thrown) {
    found.add('folder-unreadable', '', thrown instanceof Error ? thrown.message : String(thrown))
    return null
  }
  return digests
}

/** A folder whose files are missing is not extra. */
async function checkEmptyFolders(
  found: Findings,
  folder: string,
  statement: Statement | null,
): Promise<void> {
  const signed = [...(statement?.digests.keys() ?? [])]
  for (const name of (await contentsOf(folder)).empty)
    if (!signed.some((file) => file.startsWith(`${name}/`))) found.add('folder-extra', name)
}

async function textOf(path: string, digest: string | undefined): Promise<string> {
  await using handle = await openRegular(path)
  if ((await handle.stat()).size > largest) throw new RangeError('it is too large')
  const bytes = await handle.readFile()
  if (sha256(bytes) !== digest) throw new Error('it changed while being read')
  // Invalid UTF-8 must not decode to the same text as other bytes.
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}

type Text = (name: string) => string | null

async function checkAttestations(
  found: Findings,
  trusted: readonly TrustedKey[] | null,
  there: ReadonlyMap<string, string>,
  text: Text,
): Promise<Statement | null> {
  const [statementText, signature, envelope, sums] = [
    names.statement,
    names.signature,
    names.envelope,
    names.sums,
  ].map(text)
  const payload = typeof statementText === 'string' ? Buffer.from(statementText) : null
  let statement: Statement | null = null
  if (typeof statementText === 'string') {
    await found.check('statement-malformed', names.statement, () => {
      statement = readStatement(found, statementText)
    })
  }
  const read = statement as Statement | null
  const signedAt = read?.signedAt ?? null
  if (typeof signature === 'string' && payload !== null) {
    await found.check('signature-malformed', names.signature, () =>
      checkSignature(found, payload, signature, trusted, signedAt),
    )
  }
  if (typeof envelope === 'string')
    await found.check('envelope-malformed', names.envelope, () =>
      checkEnvelope(found, payload, envelope, trusted, signedAt),
    )
  if (read !== null) checkSubjects(found, read, there)
  if (typeof sums === 'string' && found.sound(names.sums))
    await found.check('sums-malformed', names.sums, () => checkSums(found, sums, there))
  return read
}

async function journalIn(
  found: Findings,
  text: Text,
  statement: Statement | null,
): Promise<readonly Stored[] | null> {
  const body = text(names.journal)
  if (body === null || !found.sound(names.journal)) return null
  let entries: readonly Stored[] = []
  await found.check('journal-malformed', names.journal, () => {
    entries = readJournal(body)
    checkJournal(found, entries, statement)
  })
  return found.sound(names.journal) ? entries : null
}

async function recordIn(found: Findings, text: Text): Promise<RunRecord | null> {
  const body = text(names.run)
  if (body === null || !found.sound(names.run)) return null
  let record: RunRecord | null = null
  await found.check('run-malformed', names.run, () => {
    record = readRecord(found, body)
  })
  return record
}
