import {
  cannot,
  defineStep,
  isPending,
  say,
  type Look,
  type PgHba,
  type ServiceGroup,
} from '../../src/index.ts'
import { editStateOf, mustBeOurs, revertEdit, type EditedFile } from '../config/lib/edited-file.ts'
import { isActive } from '../services/lib/active.ts'
import { until } from '../services/lib/until.ts'
import { loadedAt } from './lib/loaded-at.ts'

type Input = {
  readonly pgHba: PgHba
  /** The undo restores it before the server reads it again. */
  readonly edited: EditedFile
}

/** `runs`: it can be reloaded; a server in a restart loop cannot. */
type Before = { readonly runs: boolean; readonly loadedAt: number | null }
type Output = { readonly user: string; readonly loadedAt: number }

/**
 * Reloads the access rules of Postgres where it runs, and starts it where it does not. A reload ends no
 * session. Proven by a login over TCP as the application's user, to a server that has read its rules since.
 * @throws RunbookError `failed` where that login fails for `withinSeconds`
 */
export const reloadPostgres = defineStep<Input, Output, Before>({
  kind: 'access.reload-postgres',
  leaves: ['processes', 'containers'],
  version: 1,
  effect: 'change',
  timeoutSeconds: 300,
  describe: ({ pgHba }) =>
    isPending(pgHba)
      ? 'Reloads the access rules of Postgres.'
      : 'Reloads the access rules of Postgres, or starts it if it is not running, ' +
        say`and logs in as ${pgHba.login.user} at ${hostOf(pgHba)} over TCP.`,
  survey: async (look, { pgHba }) => ({
    runs: await runs(look, pgHba),
    loadedAt: await loadedAt(look, pgHba),
  }),
  predict: ({ input: { pgHba }, before }) => ({
    output: null,
    changes:
      isPending(pgHba) || before === undefined
        ? []
        : [
            before.runs ? 'Postgres uses the rules of the copy' : say`${pgHba.login.via.service} is started`,
            say`${pgHba.login.user} can log in`,
          ],
  }),
  run: async (io, { input: { pgHba }, before }) => {
    if (before.runs && (await runs(io, pgHba))) await io.databases.reload(pgHba.login)
    else {
      // Docker doubles its delay before each restart of a failing container (moby restartmanager); stop and
      // start skip the wait.
      await io.services.stop(serverOf(pgHba), 10)
      await io.services.start(serverOf(pgHba))
    }
    const at = await until(io, pgHba.withinSeconds, async () =>
      newLoadTime(await loadedAt(io, pgHba), before),
    )
    if (at !== null) return { user: pgHba.login.user, loadedAt: at }
    await loadedAt(io, pgHba, true)
    throw cannot('log in', `as ${pgHba.login.user} at ${hostOf(pgHba)}`, 'these rules do not help either', {
      code: 'failed',
      hint: 'the log of this step has the answer of the server; name another copy with --from',
    })
  },
  probe: async (look, { input: { pgHba, edited }, before, way }) => {
    const [running, at] = [await runs(look, pgHba), await loadedAt(look, pgHba)]
    if (way === 'back')
      return (await isAsBefore(look, { pgHba, edited }, before, { runs: running, loadedAt: at }))
        ? { is: 'absent' }
        : { is: 'torn', why: 'Postgres does not use the previous rules yet' }
    if (newLoadTime(at, before) !== null)
      return { is: 'done', output: { user: pgHba.login.user, loadedAt: at ?? 0 } }
    return running === before.runs && at === before.loadedAt
      ? { is: 'absent' }
      : { is: 'torn', why: `${pgHba.login.user} cannot log in` }
  },
  rerunnable: true,
  undoGuards: ({ input: { edited } }) => [mustBeOurs(edited)],
  undo: async (io, { input: { pgHba, edited }, before }) => {
    await revertEdit(io, edited)
    if (!before.runs) return io.services.stop(serverOf(pgHba), 10)
    if (await runs(io, pgHba)) await io.databases.reload(pgHba.login)
    else await io.services.start(serverOf(pgHba))
    const worked = before.loadedAt !== null
    await until(io, pgHba.withinSeconds, async () =>
      ((await loadedAt(io, pgHba)) !== null) === worked ? true : null,
    )
  },
})

const serverOf = ({ login: { via } }: PgHba): ServiceGroup => ({ stack: via.stack, names: [via.service] })
const hostOf = ({ login: { via } }: PgHba): string => via.login?.host ?? via.service

async function runs(look: Pick<Look, 'services'>, pgHba: PgHba): Promise<boolean> {
  const [server] = await look.services.states(serverOf(pgHba))
  return server?.state === 'running'
}

const newLoadTime = (at: number | null, before: Before): number | null =>
  at !== null && at !== before.loadedAt ? at : null

/**
 * A login that worked works again, under rules read after the file was restored; one that did not, does not.
 */
async function isAsBefore(
  look: Look,
  { pgHba, edited }: Input,
  before: Before,
  now: Before,
): Promise<boolean> {
  if ((await editStateOf(look, edited)) !== 'before') return false
  if (!before.runs) return !(await look.services.states(serverOf(pgHba))).some(isActive)
  if (before.loadedAt === null || now.loadedAt === null) return now.runs && before.loadedAt === now.loadedAt
  const facts = await look.volumes.stat({
    stack: pgHba.login.via.stack,
    service: pgHba.login.via.service,
    path: edited.file,
  })
  // Docker's archives have modification times in whole seconds.
  return (
    now.loadedAt === before.loadedAt ||
    (facts !== null && now.loadedAt * 1000 >= Math.floor(Date.parse(facts.modifiedAt) / 1000) * 1000)
  )
}
