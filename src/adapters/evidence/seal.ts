import { shellWord } from '../../kernel/shell-quote.ts'
import { rm, rmdir, unlink } from 'node:fs/promises'
import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import type { Files } from '../../drivers/files.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { sha256 } from '../../kernel/json.ts'
import type { EvidenceFile } from '../../run/journal/evidence.ts'
import type { RunRecord } from '../../run/record/record.ts'
import { syncFolderNow } from '../disk/durable.ts'
import { isPartialName } from '../disk/partial-name.ts'
import { contentsOf, digestOfHandle, openRegular } from './contents.ts'
import { envelope } from './dsse.ts'
import { sshSign } from './sshsig.ts'
import { isPlainName, names, statementOf, sumsOf, attestationFiles, type Subject } from './statement.ts'

/**
 * Writes the files, then their digests and signatures, in an order such that a partly sealed folder never
 * verifies. Each file is durable before the next. Sealing again gives the same statement for the same files.
 * @returns the digest of the statement
 */
export async function seal(
  folder: string,
  made: readonly EvidenceFile[],
  files: Files,
  key: KeyObject,
): Promise<string> {
  const record = recordIn(made)
  for (const leftover of (await contentsOf(folder)).files.filter(isPartialName))
    await unlink(join(folder, leftover))
  // A folder without files has no digest, so a reviewer could not tell who made it.
  for (const empty of (await contentsOf(folder)).empty) await rmdir(join(folder, empty))
  for (const { name, body } of made) await files.write(join(folder, name), body)
  const subjects = [
    ...made.map(({ name, body }) => ({ name, sha256: sha256(body) })),
    ...(await others(folder, made)),
  ]
  const sums = sumsOf(subjects)
  await files.write(join(folder, names.sums), sums)
  const statement = statementOf([...subjects, { name: names.sums, sha256: sha256(sums) }], record)
  const payload = Buffer.from(statement)
  await files.write(join(folder, names.statement), payload)
  await files.write(join(folder, names.signature), sshSign(payload, key))
  await files.write(join(folder, names.envelope), envelope(payload, key))
  return sha256(payload)
}

/** The statement first: without it a folder counts as not sealed, so a kill in between leaves no false alarm. */
export async function unseal(folder: string): Promise<void> {
  for (const name of [names.statement, names.signature, names.envelope, names.sums])
    await rm(join(folder, name), { force: true })
  syncFolderNow(folder)
}

function recordIn(made: readonly EvidenceFile[]): RunRecord {
  const run = made.find(({ name }) => name === names.run)
  if (run === undefined) throw new RunbookError('bug', `cannot seal evidence without ${names.run}`)
  return JSON.parse(run.body) as RunRecord
}

/** The logs and other files that steps wrote; synced too. */
async function others(folder: string, made: readonly EvidenceFile[]): Promise<readonly Subject[]> {
  const known = new Set([...made.map(({ name }) => name), ...attestationFiles, names.sums])
  const contents = await contentsOf(folder)
  const odd = contents.others[0] ?? contents.files.find((name) => !isPlainName(name))
  if (odd !== undefined) {
    throw new RunbookError(
      'failed',
      `cannot seal ${JSON.stringify(odd)}: only regular files with plain names are allowed`,
      { hint: `check: ls -lb ${shellWord(folder)}` },
    )
  }
  const subjects: Subject[] = []
  for (const name of contents.files.filter((name) => !known.has(name))) {
    await using handle = await openRegular(join(folder, name))
    await handle.sync()
    subjects.push({ name, sha256: (await digestOfHandle(handle)).sha256 })
  }
  return subjects
}
