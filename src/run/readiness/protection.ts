import type { BackupPlace, Expected } from '../../drivers/backups.ts'
import type { Views } from '../../drivers/drivers.ts'
import { tooOld } from '../../formats/backup-age.ts'
import { failureOf } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { placeName } from '../../model/backup-place.ts'
import { expectedOf, listBackups } from '../../model/stored-backups.ts'
import type { Target } from '../../model/target.ts'
import { provenBy, type Proven } from './backup-list.ts'
import type { Gauge } from './check.ts'
import { deadMount, placesOf } from './checks/backups.ts'
import { drillCalendar, type DrillStanding } from './drill-calendar.ts'
import { backupGauges, drillGauges, runGauges } from './gauges.ts'
import type { JournalFacts } from './journal-facts.ts'
import { proofsIn, type Proof } from './proofs.ts'

/** One place where backups of a target are kept, and its newest one. */
export type PlaceStanding = JsonObject & {
  /** Of the configuration. */
  readonly section: string
  readonly place: string
  /** Null if it could not be listed. */
  readonly count: number | null
  readonly newest: { readonly name: string; readonly takenAt: string; readonly bytes: number } | null
  /** The newest run that restored the newest backup; null if none is known to have done so. */
  readonly proven: Proven | null
  /** Why it does not protect: too old, missing, not readable; null if nothing is known against it, unread as it is. */
  readonly problem: string | null
}

/** What protects a target: its newest backups, and the proofs that it owes. */
export type Protection = JsonObject & {
  readonly target: string
  readonly title: string
  readonly places: readonly PlaceStanding[]
  /** Null if the journal cannot be read: then nothing is known. */
  readonly drills: readonly DrillStanding[] | null
  /** Why the journal cannot be read. */
  readonly problem: string | null
  /** The same for monitoring. */
  readonly gauges: readonly Gauge[]
}

/** Lists the backups of a target and reads what lies beside the newest one; no backup is opened. */
export async function protectionOf(
  target: Target,
  {
    look,
    journal,
    now,
    whyNot,
  }: {
    readonly look: Pick<Views, 'backups' | 'places' | 'files'>
    readonly journal: JournalFacts
    readonly now: Date
    /** As for `drillCalendar`. */
    whyNot(drill: string): string | null
  },
): Promise<Protection> {
  const { problem } = journal
  const proofs = problem === null ? await proofsIn(journal, target) : []
  const places: PlaceStanding[] = []
  for (const { section, place } of placesOf(target))
    places.push({ section, place: placeName(place), ...(await standingOf(look, place, proofs, now)) })
  const drills = problem === null ? await drillCalendar(target, whyNot, journal, now) : null
  return {
    target: target.name,
    title: target.title,
    places,
    drills,
    problem: problem?.message ?? null,
    gauges: [
      ...places.flatMap(placeGauges),
      ...(drills ?? []).flatMap(drillGauges),
      ...(problem === null ? await runGauges(target, journal) : []),
    ],
  }
}

const placeGauges = ({ section, newest, proven, problem }: PlaceStanding): readonly Gauge[] => [
  ...(newest === null ? [] : backupGauges(section, newest, proven)),
  {
    name: 'backup_unfit',
    help: 'Whether something is known against the newest backup without reading it, or it could not be looked at.',
    value: problem === null ? 0 : 1,
    labels: { section },
  },
]

async function standingOf(
  look: Pick<Views, 'backups' | 'places' | 'files'>,
  place: BackupPlace,
  proofs: readonly Proof[],
  now: Date,
): Promise<Pick<PlaceStanding, 'count' | 'newest' | 'proven' | 'problem'>> {
  const nothing = { newest: null, proven: null }
  try {
    const dead = await deadMount(look, place)
    if (dead !== null) return { ...nothing, count: null, problem: failureOf(dead.thrown).message }
    const all = await listBackups(look, place)
    const [newest] = all
    if (newest === undefined)
      return { ...nothing, count: 0, problem: `no backup ${place.pattern} in ${placeName(place)}` }
    let expected: Expected | null = null
    let doubt: string | null = null
    try {
      expected = await expectedOf(look, place, newest)
    } catch (thrown) {
      doubt = failureOf(thrown).message
    }
    const { name, takenAt, bytes } = newest
    return {
      count: all.length,
      newest: { name, takenAt, bytes },
      // What cannot be vouched for is not the file that was proven.
      proven: doubt === null ? provenBy(newest, expected, proofs) : null,
      problem: doubt ?? tooOld(place, newest, now),
    }
  } catch (thrown) {
    return { ...nothing, count: null, problem: failureOf(thrown).message }
  }
}
