import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type DaemonSettings,
  type Io,
  type Look,
  type Stack,
} from '../../src/index.ts'
import { editStateOf, mustBeOurs, revertEdit, type EditedFile } from '../config/lib/edited-file.ts'
import { folderOf } from '../files/lib/path.ts'
import { until } from './lib/until.ts'

type Input = {
  readonly daemon: DaemonSettings
  /** The stack whose engine it is. */
  readonly stack: Stack
  /** Put back on undo, before the daemon is restarted. */
  readonly edited: EditedFile
}

/** `started`: distinguishes one start of the daemon from the next; null where it left no pid file. */
type Before = { readonly answers: boolean; readonly started: string | null }
type Output = { readonly started: string }

/** Restarts the Docker daemon, and verifies that a new one answers. An exit code of 0 proves nothing. */
export const restartDocker = defineStep<Input, Output, Before>({
  kind: 'host.restart-docker',
  leaves: ['processes'],
  version: 1,
  effect: 'change',
  timeoutSeconds: 600,
  describe: ({ daemon }) =>
    isPending(daemon)
      ? 'Restarts the Docker daemon.'
      : say`Runs "${daemon.restart.join(' ')}", and waits for at most ${String(daemon.withinSeconds)} s until a new Docker daemon answers.`,
  needs: ({ daemon }) =>
    isPending(daemon) || daemon.restart[0] === undefined || daemon.restart[0].includes('/')
      ? []
      : [{ program: daemon.restart[0], why: 'it starts the Docker daemon' }],
  marks: { downFrom: true },
  survey: (look, input) => daemonStateOf(look, input),
  predict: ({ input: { daemon }, before }) => ({
    output: null,
    changes:
      isPending(daemon) || before === undefined
        ? []
        : [
            say`the Docker daemon is restarted with the new ${daemon.file}${before.answers ? '' : ', and answers again'}`,
          ],
  }),
  run: async (io, { input, before }) => {
    const exitCode = await restart(io, input)
    if (exitCode !== 0)
      throw new RunbookError(
        'failed',
        `"${input.daemon.restart.join(' ')}" ended with exit code ${exitCode}`,
        { hint: 'check the log of this step, then: journalctl -u docker' },
      )
    const now = await until(io, input.daemon.withinSeconds, async () =>
      newStartOf(await daemonStateOf(io, input), before),
    )
    if (now !== null) return { started: now }
    throw new RunbookError('failed', `no new Docker daemon answered within ${input.daemon.withinSeconds} s`, {
      hint: 'check: journalctl -u docker',
    })
  },
  probe: async (look, { input, before, way }) => {
    const now = await daemonStateOf(look, input)
    if (way === 'back') {
      if ((await editStateOf(look, input.edited)) !== 'before')
        return { is: 'torn', why: `${input.daemon.file} is not restored yet` }
      return now.answers === before.answers &&
        (now.started === before.started || startedAfter(now, await putBackAt(look, input.edited)))
        ? { is: 'absent' }
        : { is: 'torn', why: 'Docker does not use its previous settings yet' }
    }
    const started = newStartOf(now, before)
    if (started !== null) return { is: 'done', output: { started } }
    return now.answers === before.answers && now.started === before.started
      ? { is: 'absent' }
      : { is: 'torn', why: 'Docker does not answer' }
  },
  rerunnable: true,
  undoGuards: ({ input: { edited } }) => [mustBeOurs(edited)],
  undo: async (io, { input, before }) => {
    await revertEdit(io, input.edited)
    const exitCode = await restart(io, input)
    // With the old settings the daemon did not come up before, so it may not now.
    if (exitCode !== 0 && before.answers)
      throw new RunbookError(
        'failed',
        `"${input.daemon.restart.join(' ')}" ended with exit code ${exitCode}`,
        { hint: 'check: journalctl -u docker' },
      )
    await until(io, input.daemon.withinSeconds, async () =>
      (await daemonStateOf(io, input)).answers === before.answers ? true : null,
    )
  },
})

async function restart(io: Io, { daemon }: Input): Promise<number> {
  return (await io.commands.run({ argv: daemon.restart, directory: '/', environment: {}, secrets: {} }))
    .exitCode
}

async function daemonStateOf(
  look: Pick<Look, 'services' | 'files' | 'signal'>,
  { daemon, stack }: Pick<Input, 'daemon' | 'stack'>,
): Promise<Before> {
  const answers = await look.services.states({ stack, names: [] }).then(
    () => true,
    (thrown: unknown) => {
      if (look.signal.aborted || !(thrown instanceof RunbookError)) throw thrown
      return false
    },
  )
  const facts = await look.files.stat(daemon.pidFile)
  if (facts?.kind !== 'file') return { answers, started: null }
  const pid = new TextDecoder().decode(await look.files.read(daemon.pidFile, 100)).trim()
  return { answers, started: `${facts.modifiedAt} ${pid}` }
}

const newStartOf = (now: Before, before: Before): string | null =>
  now.answers && now.started !== before.started ? now.started : null

/**
 * A daemon that started before the file was put back has not read it. One without a pid file does not run.
 */
const startedAfter = ({ started }: Before, putBack: string | null): boolean =>
  started === null || (putBack !== null && started >= putBack)

/**
 * The file keeps its old modification time when it is put back, but its folder's time shows when that was.
 */
const putBackAt = async (look: Pick<Look, 'files'>, { file }: EditedFile): Promise<string | null> =>
  (await look.files.stat(folderOf(file)))?.modifiedAt ?? null
