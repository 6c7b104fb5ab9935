import type { ComposePostgres, Database } from '../drivers/databases.ts'
import type { Views } from '../drivers/drivers.ts'
import type { DeclaredMount, Mount, StackStorage, UnkeptData } from '../drivers/services.ts'
import { failureOf } from '../kernel/errors.ts'
import { composeLine } from './compose-line.ts'
import type { Finding } from './step.ts'

/** A database whose server is a service of a Compose stack. */
export type DatabaseInService = Extract<Database, { readonly engine: 'postgres' }> & {
  readonly via: ComposePostgres
}

/** Whether a server is a service, which a run can start and `docker compose up` recreates. */
export const runsInService = (database: Database): database is DatabaseInService =>
  database.engine === 'postgres' && database.via.kind === 'compose'

/**
 * `gone`: no container, and the volume is not there. `renamed`: as before, but another volume of the project is there.
 * `moved`: the container has another volume than the stack's files name. `empty`: it has a new one beside another.
 * `unkept`: only the container has its data.
 */
export type DataVolumeFinding = {
  readonly is: 'gone' | 'renamed' | 'moved' | 'empty' | 'unkept'
  readonly finding: Finding
}

/**
 * Where the files of a database and those that the stack's files name for it differ, so that `docker compose up` would
 * start it with none or others: a volume that is gone, or that was given another name.
 */
export async function dataVolumeFindings(
  look: Pick<Views, 'services' | 'databases'>,
  database: DatabaseInService,
): Promise<readonly DataVolumeFinding[]> {
  const { stack, service } = database.via
  const [created, storage] = await Promise.all([
    look.services.creations({ stack, names: [service] }),
    look.services.storage(stack),
  ])
  const [instance] = created
  if (instance === undefined) return withoutContainer(database, storage)
  const moved = instance.mounts.flatMap((was) => movedFinding(database, was, storage))
  if (moved.length > 0) return moved
  const { unkept } = instance
  return [
    ...(await emptyBeside(look, database, storage)),
    ...(unkept === undefined
      ? []
      : [{ is: 'unkept' as const, finding: unkeptFinding('warn', service, unkept) }]),
  ]
}

/** The data of a server that goes with its container, and how it is kept. */
export function unkeptFinding(
  level: Finding['level'],
  service: string,
  { folder, in: where }: UnkeptData,
): Finding {
  const [place, loss] =
    where === 'volume'
      ? [
          'in a volume without a name',
          'removing the container, renaming the project, or an image without a volume there',
        ]
      : ['in no volume', 'recreating the container']
  return {
    level,
    about: service,
    problem: `the data of ${service} (${folder}) is ${place}: ${loss} loses it`,
    hint: `dump it while it runs; then mount a volume with a name at ${folder} in the Compose file, bring ${service} up, and restore the dump there`,
  }
}

function withoutContainer(database: DatabaseInService, storage: StackStorage): readonly DataVolumeFinding[] {
  const { stack, service } = database.via
  const gone = mountsOf(storage, service).filter(({ exists }) => exists === false)
  if (gone.length === 0) return []
  const problem = `${service} has no container, and its ${volumes(gone.map(({ source }) => source))} not exist`
  const [other] = storage.unnamed
  return other === undefined
    ? found(
        'gone',
        service,
        `${problem}: what ${database.name} had in it is gone`,
        `start it with an empty database: ${composeLine(stack, `up --detach --wait ${service}`)}; full-db-rollback then restores the newest backup into it`,
      )
    : found(
        'renamed',
        service,
        `${problem}: created now, it would start with an empty database; ${otherVolumes(storage)}`,
        nameItAgain(other, composeLine(stack, `create ${service}`)),
      )
}

/** A place in the container with other files behind it after `up`. */
function movedFinding(
  database: DatabaseInService,
  was: Mount,
  storage: StackStorage,
): readonly DataVolumeFinding[] {
  const { stack, service } = database.via
  if (was.kind !== 'volume') return []
  const declared = mountsOf(storage, service)
  if (declared.some(({ kind, source }) => kind === was.kind && source === was.source)) return []
  const next = declared.find(({ target }) => target === was.target)
  const after =
    next === undefined
      ? `name none at ${was.target}: recreated, it would start with an empty database`
      : `name the ${next.kind} ${next.source} at ${was.target}${
          next.exists === false
            ? ', which does not exist: recreated, it would start with an empty database'
            : ': recreated, it would have what is there in place of its data'
        }`
  return found(
    'moved',
    service,
    `${service} has its files in the volume ${was.source}, and the stack's files ${after}`,
    nameItAgain(was.source, composeLine(stack, `up --detach ${service}`)),
  )
}

/** A fresh database beside a volume that lost its name in the files looks as if all data were lost. */
async function emptyBeside(
  look: Pick<Views, 'databases'>,
  database: DatabaseInService,
  storage: StackStorage,
): Promise<readonly DataVolumeFinding[]> {
  const [other] = storage.unnamed
  if (other === undefined) return []
  const tables = await look.databases.contents(database, database.name).then(
    (contents) => contents.tables.length,
    // A server that does not answer is reported by whoever needs it.
    (thrown: unknown) => (failureOf(thrown).code === 'bug' ? Promise.reject(thrown as Error) : null),
  )
  const { stack, service } = database.via
  return tables !== 0
    ? []
    : found(
        'empty',
        service,
        `${database.name} has no table, and ${otherVolumes(storage)}`,
        nameItAgain(other, composeLine(stack, `up --detach ${service}`)),
      )
}

/** Only where there is no container is the next one created by the run itself. */
const found = (
  is: DataVolumeFinding['is'],
  about: string,
  problem: string,
  hint: string,
): readonly DataVolumeFinding[] => [
  { is, finding: { level: is === 'gone' || is === 'renamed' ? 'refuse' : 'warn', about, problem, hint } },
]

const mountsOf = ({ mounts }: StackStorage, name: string): readonly DeclaredMount[] =>
  mounts.filter(({ service }) => service === name)

const volumes = (names: readonly string[]): string =>
  names.length === 1 ? `volume ${names.join('')} does` : `volumes ${names.join(', ')} do`

const otherVolumes = ({ unnamed }: StackStorage): string =>
  unnamed.length === 1
    ? `the volume ${unnamed.join('')} of the same project, which the stack's files do not name, may have the data`
    : `one of the volumes ${unnamed.join(', ')} of the same project, which the stack's files do not name, may have the data`

const nameItAgain = (volume: string, command: string): string =>
  `if the data is in ${volume}, name it in the Compose file before anything is created (volumes: { KEY: { name: ${volume} } }), then: ${command}`
