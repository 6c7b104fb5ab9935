import {
  defineStep,
  isKnown,
  isPending,
  mustBeHere,
  openingOf,
  RunbookError,
  say,
  takenText,
  whenTaken,
  type BackupPlace,
  type Database,
  type Dump,
  type Look,
  type Preview,
  type SignedManifest,
  type Verified,
} from '../../src/index.ts'
import { requireSameContents } from '../files/lib/same-file.ts'
import { treeVersionOf } from '../files/lib/tree-version.ts'
import { asides, isAside } from '../databases/lib/names.ts'
import { choose, takenFor } from './lib/choose-backup.ts'
import { freshness } from './lib/freshness.ts'
import { offeringOlder } from './lib/offering-older.ts'
import { commandWith, type Again } from './lib/older-backups.ts'
import { noteUnpacked } from './lib/unpacked.ts'
import { mustBeOf, sourceOf, voucher, type OwnSource } from './lib/source.ts'

type Input = {
  readonly database: Database
  readonly from: BackupPlace
  /** The dump to take; null takes the newest. */
  readonly file: string | null
  /** Only a dump taken before this moment is accepted; null accepts any. */
  readonly takenBefore: string | null
  /** To name other backups where this one is refused; left out where the operator did not choose it. */
  readonly again?: Again
}

/** A dump that was read to its last byte, matches its checksum and comes from the right database. */
export type VerifiedDump = Dump & {
  readonly checksumFile: string | null
  readonly dated: 'by-name' | 'by-mtime'
  /** What would have revealed an altered byte. */
  readonly vouchedBy: 'signature' | 'checksum' | 'archive' | 'nothing'
  /** The same in words, with the key or the file. */
  readonly vouched: string
  /** When, as far as it is known, for people; missing in older journals. */
  readonly taken: string
  /** Of the file once it was verified, as in `treeVersionOf`; missing in older journals. */
  readonly version?: string
  /** Left out where it has no manifest. */
  readonly manifest?: SignedManifest
}

/**
 * Chooses a dump and verifies it to its last byte: its checksum, a full decode by the engine's own tool, and
 * its source database. A list of contents proves nothing: `pg_restore --list` accepts half a dump.
 * @throws RunbookError `verification` for a dump that is damaged or of another database
 */
export const verifyDump = defineStep<Input, VerifiedDump>({
  kind: 'backups.verify-dump',
  version: 1,
  effect: 'observe',
  volatile: ['version'],
  describe: ({ file, from, takenBefore }) => {
    const before = takenBefore === null ? '' : say` taken before ${takenBefore}`
    const what = file === null ? `the newest dump${before}` : say`${file}`
    const place = isPending(from) ? '' : ` from ${from.directory}`
    return `Reads ${what}${place} to its last byte, and compares it with its signed manifest or checksum.`
  },
  preflight: async (look, input) => {
    const { database, from, file, takenBefore, again } = input
    if (!isPending(from)) mustBeHere(from)
    if (isPending(database)) return []
    const looked = { ...input, engine: database.engine }
    const own = ownOf(look, database)
    const known = again === undefined || isPending(again) ? null : (again as Preview<Again>)
    if (isPending(from) || isPending(file) || isPending(takenBefore) || known === null || !isKnown(known))
      return freshness(look, looked, own)
    const choice = { from, file, takenBefore }
    const findings = await offeringOlder(
      look,
      known,
      () => takenFor(look, choice),
      () => freshness(look, looked, own),
    )
    const taken = findings.some(({ level }) => level === 'refuse') ? await takenFor(look, choice) : null
    return findings.map((finding) =>
      finding.level === 'refuse' && taken !== null
        ? { ...finding, hint: `${finding.hint}: ${commandWith(look, known, taken.file)}` }
        : finding,
    )
  },
  marks: { dataAsOf: (dump) => dump.takenAt },
  run: (look, input) =>
    offeringOlder(
      look,
      input.again,
      () => takenFor(look, input),
      () => verifiedDump(look, input),
    ),
  stillHolds: (look, { input: { database, from }, output: dump }) =>
    requireSameContents(look, dump.file, dump, 'it was verified', async () => {
      const { sha256 } = await look.databases.inspect(database, dump.file, openingOf(from))
      return sha256
    }),
})

async function verifiedDump(look: Look, { database, from, file, takenBefore }: Input): Promise<VerifiedDump> {
  mustBeHere(from)
  const backup = await choose(look, from, { file, takenBefore })
  const verified = await look.backups.verify(from, backup)
  const version = await treeVersionOf(look, verified.file)
  await mustBeOf(from, verified, verified, ownOf(look, database))
  const dump = await look.databases.inspect(database, verified.file, openingOf(from))
  requireMatch(database, verified, dump)
  noteUnpacked(look, verified.name, dump)
  // The time in the name wins: a dump's header is in the local time zone of the machine that wrote it.
  const takenAt = verified.dated === 'by-name' ? verified.takenAt : dump.takenAt
  const { manifest, checksumFile } = verified
  const vouchedBy =
    manifest !== undefined
      ? 'signature'
      : checksumFile !== null
        ? 'checksum'
        : dump.provesItself
          ? 'archive'
          : 'nothing'
  const vouched = vouchedBy === 'archive' ? 'nothing but the check values in it' : voucher(verified)
  look.note(
    `${verified.name}: ${verified.bytes} bytes, sha256 ${verified.sha256}, ${whenTaken(verified)}; vouched for by ${vouched}`,
  )
  if (vouchedBy === 'nothing')
    look.note(
      `${verified.name} has no checksum file, and its format has no checksum: corruption may go undetected`,
    )
  return {
    ...dump,
    takenAt,
    taken: takenText(verified.dated === 'by-name' ? verified : { takenAt }),
    checksumFile,
    dated: verified.dated,
    vouchedBy,
    vouched,
    version,
    ...(manifest === undefined ? {} : { manifest }),
  }
}

const ownOf = (look: Look, database: Database) => (): Promise<OwnSource> => sourceOf(look, database)

function requireMatch(database: Database, verified: Verified, dump: Dump): void {
  if (dump.sha256 !== verified.sha256) {
    throw new RunbookError('verification', `${verified.file} changed while it was being verified`, {
      hint: 'find out who writes to it, then start again',
    })
  }
  // Also a dump of what a run put aside: it was this database.
  const ours = (name: string): boolean =>
    name === database.name || asides.some((what) => isAside(database.name, name, what))
  const theirs = dump.database ?? verified.manifest?.source.name ?? null
  if (theirs !== null && !ours(theirs)) {
    throw new RunbookError(
      'verification',
      `${verified.file} is a dump of the database ${theirs}, not of ${database.name}`,
      {
        hint: 'choose a dump of the right database with --dump',
      },
    )
  }
}
