import {
  defineStep,
  failureOf,
  imageOfMajor,
  isPending,
  RunbookError,
  say,
  throwawayImage,
  type BackupPlace,
  type Io,
  type Look,
  type Preview,
  type RestoreTest,
  type RunFacts,
  type ThrowawayDatabase,
} from '../../src/index.ts'
import type { ChosenDump } from '../backups/choose-dump.ts'
import { choose } from '../backups/lib/choose-backup.ts'

type Input = {
  /** Part of the container's name. */
  readonly purpose: string
  readonly by: RestoreTest
  readonly dump: Pick<ChosenDump, 'name' | 'major'>
  /** How the dump is chosen, so that preflight can look for the image before that; missing in older runs. */
  readonly choice?: { readonly from: BackupPlace; readonly file: string | null }
}

type Before = { readonly container: string; readonly image: string }

/** A running, empty server that this run started. Trial restores accept no other server. */
export type ThrowawayServer = {
  readonly container: string
  readonly image: string
  readonly version: string
  readonly database: ThrowawayDatabase
}

/**
 * Starts a throwaway Postgres of the dump's major version in a container without network, and waits until it
 * accepts connections. Its password is random and known only inside the container. Undone by removing the
 * container with its data.
 * @throws RunbookError `preflight` where the image is not on this machine, `failed` where the server ends or
 * does not answer in time
 */
export const startThrowaway = defineStep<Input, ThrowawayServer, Before>({
  kind: 'containers.start-throwaway-postgres',
  version: 1,
  effect: 'change',
  alsoChanges: () => [],
  describe: ({ by, dump }) => {
    const server = isPending(by) ? 'a throwaway server' : imageInWords(by, dump)
    return say`Starts ${server} in a container without network, and waits until it accepts connections.`
  },
  preflight: async (look, { by, dump, choice }) => {
    if (isPending(by)) return []
    const known = isPending(dump) ? await expectedDump(look, choice) : dump
    const lacking = known === null ? null : await lackingImage(look, by, known)
    return lacking === null ? [] : [{ level: 'refuse', about: by.image, ...lacking }]
  },
  survey: async (look, { purpose, by, dump }) => {
    const lacking = await lackingImage(look, by, dump)
    if (lacking !== null) throw new RunbookError('preflight', lacking.problem, { hint: lacking.hint })
    return {
      container: nameFor(purpose, look.run),
      image: (await throwawayImage(look, by, dump)).image,
    }
  },
  predict: ({ before }) => ({
    output: before ?? null,
    changes: before === undefined ? [] : [`a container ${before.container}, until the end of the run`],
  }),
  run: async (io, { input: { by, dump }, before }) => {
    const { container: name, image } = before
    const environment = { POSTGRES_USER: by.user, POSTGRES_DB: 'postgres', POSTGRES_INITDB_ARGS: '--no-sync' }
    // PGPASSWORD is for clients in the container, should the image require a password on loopback too.
    await io.containers.start({
      name,
      image,
      command: ['postgres', ...settings.flatMap((setting) => ['-c', setting])],
      environment,
      random: ['POSTGRES_PASSWORD', 'PGPASSWORD'],
    })
    const version = await versionWhenReady(io, by, name)
    requireMajor(version, dump, image)
    return { ...before, version, database: databaseIn(by, name) }
  },
  probe: async (look, { input: { by }, before }) => {
    const { container } = before
    const facts = await look.containers.state(container)
    if (facts === null) return { is: 'absent' }
    if (facts.state !== 'running')
      return { is: 'torn', why: `the container ${container} exists but is not running` }
    try {
      const database = databaseIn(by, container)
      return {
        is: 'done',
        output: { ...before, version: (await look.databases.identity(database)).version, database },
      }
    } catch (thrown) {
      look.signal.throwIfAborted()
      return { is: 'torn', why: `the server in ${container} does not answer: ${failureOf(thrown).message}` }
    }
  },
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: (io, { before: { container } }) => io.containers.remove(container),
})

/**
 * No data in it must survive a power failure. With a minimal log, rows that are loaded into a table of the same
 * transaction are not logged at all; the restore analyzes the tables itself.
 */
const settings = [
  'fsync=off',
  'full_page_writes=off',
  'synchronous_commit=off',
  'wal_level=minimal',
  'max_wal_senders=0',
  'max_wal_size=4GB',
  'autovacuum=off',
  'maintenance_work_mem=256MB',
]

type Known = Pick<ChosenDump, 'name' | 'major'>

/** An older server cannot read the dump; where the image is the stack's own, its version is known only now. */
function requireMajor(version: string, dump: Known, image: string): void {
  const major = Number.parseInt(version, 10)
  if (!(major < dump.major)) return
  throw new RunbookError(
    'failed',
    `the image ${image} has Postgres ${version}, and ${dump.name} comes from ${dump.major}`,
    { hint: "set restoreTest.image in runbook.config.ts, such as 'postgres:{major}-alpine'" },
  )
}

async function lackingImage(
  look: Pick<Look, 'images' | 'services'>,
  by: RestoreTest,
  dump: Known,
): Promise<{ readonly problem: string; readonly hint: string } | null> {
  const { image, missing } = await throwawayImage(look, by, dump)
  if (!missing) return null
  return {
    problem: `${dump.name} requires Postgres ${dump.major}, and the image ${image} is not on this machine`,
    hint: `docker pull ${image}; or set restoreTest.image in runbook.config.ts to one that is here`,
  }
}

/** The dump that the run is going to choose; null where that fails, which the step that chooses it reports. */
async function expectedDump(
  look: Look,
  choice: Preview<{ readonly choice?: Input['choice'] }>['choice'],
): Promise<Known | null> {
  if (choice === undefined || isPending(choice) || isPending(choice.from) || isPending(choice.file))
    return null
  try {
    const backup = await choose(look, choice.from, { file: choice.file, takenBefore: null })
    const { major } = await look.databases.header({ engine: 'postgres' }, backup.file)
    return { name: backup.name, major }
  } catch {
    look.signal.throwIfAborted()
    return null
  }
}

/** Facts about a server that was removed. */
export type DroppedServer = Pick<ThrowawayServer, 'container' | 'image' | 'version'>

/** Removes a throwaway server with its data. If the run fails earlier, the undo of the start removes it. */
export const dropThrowaway = defineStep<{ readonly throwaway: ThrowawayServer }, DroppedServer>({
  kind: 'containers.drop-throwaway',
  version: 1,
  effect: 'change',
  alsoChanges: () => [],
  irreversible: 'the restored data is removed; the dump stays',
  describe: ({ throwaway }) =>
    isPending(throwaway)
      ? 'Removes the throwaway server with its data.'
      : say`Removes ${throwaway.container} with its data.`,
  survey: async () => null,
  predict: () => ({ output: null }),
  run: async (io, { input: { throwaway } }) => {
    await io.containers.remove(throwaway.container)
    return asDropped(throwaway)
  },
  probe: async (look, { input: { throwaway } }) =>
    (await look.containers.state(throwaway.container)) === null
      ? { is: 'done', output: asDropped(throwaway) }
      : { is: 'absent' },
})

const asDropped = ({ container, image, version }: ThrowawayServer): DroppedServer => ({
  container,
  image,
  version,
})

const nameFor = (purpose: string, { id, target }: RunFacts): string => `${target}-${purpose}-${id}`

function imageInWords(by: RestoreTest, dump: Known | Preview<{ readonly dump: Known }>['dump']): string {
  const image = isPending(dump) ? by.image : imageOfMajor(by, dump)
  return by.imageOf === undefined
    ? image
    : `the image of ${by.imageOf.service} (${image} where it is missing)`
}

const databaseIn = ({ user }: RestoreTest, container: string): ThrowawayDatabase => ({
  engine: 'postgres',
  name: 'postgres',
  user,
  via: { kind: 'throwaway', container },
  confirmPhrase: 'none',
  fingerprint: 'rows',
})

/**
 * @returns the server's version. @throws RunbookError `failed` where the server ends or does not answer in
 * time
 */
async function versionWhenReady(
  io: Pick<Io, 'containers' | 'databases' | 'clock' | 'signal'>,
  by: RestoreTest,
  container: string,
): Promise<string> {
  const until = io.clock.monotonic() + by.readyWithinSeconds * 1000
  for (;;) {
    try {
      return (await io.databases.identity(databaseIn(by, container))).version
    } catch (thrown) {
      io.signal.throwIfAborted()
      const why = await whyNotRunning(io, container)
      if (why === null && io.clock.monotonic() < until) await io.clock.sleep(poll, io.signal)
      else {
        throw new RunbookError(
          'failed',
          `the server in ${container} ${why ?? `did not answer within ${by.readyWithinSeconds} s`}: ${await lastLogLines(io, container)}`,
          {
            cause: thrown,
            hint: 'check that restoreTest.image in runbook.config.ts is a Postgres image',
          },
        )
      }
    }
  }
}

const poll = 300

/** Why the server cannot come up any more; null while it still may. */
async function whyNotRunning(look: Pick<Look, 'containers'>, container: string): Promise<string | null> {
  const facts = await look.containers.state(container)
  if (facts === null) return 'was removed'
  return facts.state === 'running' ? null : `ended with exit code ${facts.exitCode}`
}

const lastLogLines = async (look: Pick<Look, 'containers'>, container: string): Promise<string> =>
  (await look.containers.log(container, 3)).trim() || 'its log is empty'
