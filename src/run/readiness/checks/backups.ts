import type { Backup, BackupPlace, Expected } from '../../../drivers/backups.ts'
import type { Database } from '../../../drivers/databases.ts'
import type { Views } from '../../../drivers/drivers.ts'
import { oldHint, tooOld, whenTaken } from '../../../formats/backup-age.ts'
import { failureOf } from '../../../kernel/errors.ts'
import { isRemote, openingOf, placeName } from '../../../model/backup-place.ts'
import { expectedOf, listBackups, undatedBackups } from '../../../model/stored-backups.ts'
import type { Target } from '../../../model/target.ts'
import { provenBy } from '../backup-list.ts'
import { Notebook, type Check, type Subject } from '../check.ts'
import { backupGauges, readGauge } from '../gauges.ts'
import { proofsIn } from '../proofs.ts'

export const backups: Check = {
  id: 'backups',
  of: 'target',
  looksAt:
    'In each folder of backups the newest one is recent, large enough, vouched for, intact and of a known format.',
  run: async (subject) => {
    const notes = new Notebook()
    for (const { section, place } of placesOf(subject.target)) await inspect(notes, subject, section, place)
    return notes.answer
  },
}

type Named = { readonly section: string; readonly place: BackupPlace }

/** The folders of backups that the sections of a target name. */
export const placesOf = ({ backups: dumps, bundle, data, documents }: Target): readonly Named[] =>
  [
    { section: 'backups', place: dumps },
    { section: 'bundle', place: bundle?.place },
    { section: 'data', place: data?.place },
    { section: 'documents', place: documents?.backups },
  ].flatMap(({ section, place }) => (place === undefined ? [] : [{ section, place }]))

/** Seconds in which a mounted drive must answer. */
const mountSeconds = 5

/** Why a folder of backups does not answer: a dead network mount would block its listing. Null if it does. */
export async function deadMount(
  look: Pick<Views, 'files'>,
  place: BackupPlace,
): Promise<{ readonly thrown: unknown } | null> {
  if (isRemote(place)) return null
  // Of a folder that is missing, the listing says more.
  return look.files.mount(place.directory, mountSeconds).then(
    () => null,
    (thrown: unknown) => (/no such file/.test(failureOf(thrown).message) ? null : { thrown }),
  )
}

async function inspect(
  notes: Notebook,
  { look, target, clock, withheld, journal }: Subject,
  section: string,
  place: BackupPlace,
): Promise<void> {
  const dead = await deadMount(look, place)
  if (dead !== null) {
    await notes.need(section, () => Promise.reject(dead.thrown as Error))
    return
  }
  const all = await notes.need(section, () => listBackups(look, place))
  if (all === undefined) return
  const undated = (await notes.seek(section, () => undatedBackups(look, place))) ?? []
  const [newest] = all
  if (newest === undefined) {
    notes.refuse(
      section,
      `no backup ${place.pattern} in ${placeName(place)}`,
      undated.length === 0
        ? 'check that backups arrive there and that the pattern in runbook.config.ts is right'
        : `no time can be read in ${undated.length} names, such as ${undated[0]?.name ?? ''}`,
    )
    return
  }
  notes.fact(`${section}: ${all.length}, the newest ${newest.name}, ${whenTaken(newest)}`)
  const old = tooOld(place, newest, clock.now())
  if (old !== null)
    notes.refuse(
      newest.name,
      old,
      oldHint(newest, 'find out why no newer backup arrived: look at the log of the job that makes them'),
    )
  const shrunk = hasShrunk(newest, all.slice(1, 6))
  if (shrunk !== null)
    notes.warn(newest.name, shrunk, 'find out what is missing from it, before it is needed')
  for (const { name, modifiedAt } of undated)
    if (Date.parse(modifiedAt) > Date.parse(newest.takenAt) && /(?:\d\D*){6}/.test(name))
      notes.warn(
        name,
        `${JSON.stringify(name)} in ${placeName(place)} may be newer than ${newest.name}: no time can be read in its name`,
        'name backups with a date and a time, such as 20260203_041233, or set a pattern that fits',
      )
  const expected = await vouchedFor(notes, look, section, place, newest)
  const isVouched = expected !== undefined
  const proofs = journal.problem === null ? await proofsIn(journal, target) : []
  const proven = isVouched ? provenBy(newest, expected, proofs) : null
  for (const gauge of backupGauges(section, newest, proven)) notes.gauge(gauge)
  if (isRemote(place)) {
    notes.unchecked(newest.name, `it is in ${placeName(place)}, and nothing is downloaded to look into it`)
    notes.gauge(readGauge(section, false))
    return
  }
  const isWhole = isVouched && (await read(notes, newest, withheld, () => look.backups.verify(place, newest)))
  const isRead =
    section === 'backups' && target.database !== undefined
      ? (await readDump(notes, { look, withheld }, target.database, place, newest)) && isWhole
      : isWhole
  notes.gauge(readGauge(section, isRead))
}

/** @returns whether it was read to its last byte and is complete */
async function readDump(
  notes: Notebook,
  { look, withheld }: Pick<Subject, 'look' | 'withheld'>,
  database: Database,
  place: BackupPlace,
  newest: Backup,
): Promise<boolean> {
  const { engine, name } = database
  const header = await notes.need(newest.name, () =>
    look.databases.header({ engine }, newest.file, { ...openingOf(place), of: name }),
  )
  if (header === undefined) return false
  notes.fact(`dump of ${header.engine} ${header.major}`)
  return read(notes, newest, withheld, () => inspected({ look, withheld }, database, place, newest))
}

/** Half the usual size is more than a quiet week explains. */
function hasShrunk(newest: Backup, earlier: readonly Backup[]): string | null {
  const sizes = earlier.map(({ bytes }) => bytes).toSorted((one, other) => one - other)
  const usual = sizes[Math.floor(sizes.length / 2)]
  if (usual === undefined || sizes.length < 2 || newest.bytes * 2 >= usual) return null
  return `${newest.file} has ${newest.bytes} bytes, less than half of what the ones before had (${usual})`
}

/** @returns undefined where something is wrong with it, which is then a finding */
async function vouchedFor(
  notes: Notebook,
  look: Subject['look'],
  section: string,
  place: BackupPlace,
  newest: Backup,
): Promise<Expected | null | undefined> {
  const expected = await notes.need(newest.name, () => expectedOf(look, place, newest))
  if (expected === undefined) return undefined
  if (expected === null)
    notes.fact(`${section}: nothing vouches for ${newest.name} (checksums: 'if-present')`)
  else
    notes.fact(
      `${section}: vouched for by ${expected.manifest === undefined ? expected.checksumFile : `the signature of ${expected.manifest.key}`}`,
    )
  return expected
}

/** @returns whether it was read to its last byte and is sound */
async function read(
  notes: Notebook,
  newest: Backup,
  withheld: Subject['withheld'],
  look: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await look()
    return true
  } catch (thrown) {
    const { message, hint } = failureOf(thrown)
    if (withheld.has(message)) notes.unchecked(newest.name, `${message}; add --deep to read it`)
    else if (thrown instanceof NotRead) notes.unchecked(newest.name, message)
    else notes.refuse(newest.name, message, hint ?? 'choose another backup, and find out why')
    return false
  }
}

/** A server or a program that reads it is missing, which has a check of its own. */
class NotRead extends Error {}

/** @throws what says something against the dump; NotRead for everything else */
async function inspected(
  { look, withheld }: Pick<Subject, 'look' | 'withheld'>,
  database: Database,
  place: BackupPlace,
  { file }: Backup,
): Promise<void> {
  try {
    await look.databases.inspect(database, file, openingOf(place))
  } catch (thrown) {
    const { code, message } = failureOf(thrown)
    throw code === 'verification' || withheld.has(message) ? thrown : new NotRead(message)
  }
}
