import { randomBytes } from 'node:crypto'
import type { Scope } from '../../drivers/scope.ts'
import { cannot } from '../../kernel/errors.ts'
import type { DockerEngine } from './connection.ts'
import { textOfFrames } from './log-frames.ts'
import { removeContainer } from './one-off.ts'
import { runLabels } from './run-labels.ts'

export type HelperRun = {
  readonly engine: DockerEngine
  readonly scope: Scope
  /** The container whose image and volumes are used; it need not run. */
  readonly container: string
  readonly service: string
  /** The paths that are changed: each must be in a writable volume. */
  readonly paths: readonly string[]
  /** For sh; `$0`, `$1`, … are the words, so they are never parsed as script. */
  readonly script: string
  readonly words: readonly string[]
  /** Whether what it prints is wanted, also where it succeeds. */
  readonly prints?: true
}

/** Seconds for a program that renames or removes a file and then syncs the disk. */
const timeoutSeconds = 300

/**
 * Runs a small program as root on the volumes of a container, running or not: in a container of its own from
 * the same image, without network, which is removed before this returns. The run's label makes it an orphan
 * if it outlives us.
 * @returns what it printed, where that is wanted
 */
export async function runHelper({
  engine,
  scope,
  container,
  service,
  paths,
  script,
  words,
  prints,
}: HelperRun): Promise<string> {
  const { Image, Mounts } = await engine.ask(scope, {
    doing: `inspect the volumes of ${service}`,
    ask: (docker, abortSignal) => docker.getContainer(container).inspect({ abortSignal }),
  })
  for (const path of paths) mustBeWritable(path, service, Mounts)
  const name = `runbook-helper-${randomBytes(6).toString('hex')}`
  try {
    const { code, output } = await engine.ask(scope, {
      doing: `run ${script.split(' ')[0]} on the volumes of ${service}`,
      changesWithinSeconds: timeoutSeconds,
      ask: async (docker, abortSignal) => {
        const helper = await docker.createContainer({
          name,
          Image,
          Entrypoint: ['sh', '-c', script, ...words],
          Cmd: [],
          User: '0:0',
          Labels: { ...runLabels(scope.run, scope.step) },
          Healthcheck: { Test: ['NONE'] },
          HostConfig: { VolumesFrom: [container], NetworkMode: 'none', AutoRemove: false },
          abortSignal,
        })
        await helper.start({ abortSignal })
        const { StatusCode } = (await helper.wait({ abortSignal })) as { readonly StatusCode: number }
        const log: unknown =
          StatusCode === 0 && prints !== true
            ? ''
            : await helper.logs({ stdout: true, stderr: true, follow: false, tail: 20, abortSignal })
        return { code: StatusCode, output: Buffer.isBuffer(log) ? textOfFrames(log).trim() : '' }
      },
    })
    if (code !== 0)
      throw cannot('run', `"${script}" on the volumes of ${service}`, `exit code ${code}: ${output}`, {
        code: 'failed',
        hint: `the image of ${service} must have sh, mv, rm and sync`,
      })
    return output
  } finally {
    await removeContainer(engine, scope, name)
  }
}

type Mount = { readonly Type?: string; readonly Destination: string; readonly RW: boolean }

/** The mount of a container in which a path is; undefined where it is in the container's own file system. */
export function mountOf<M extends Pick<Mount, 'Destination'>>(
  path: string,
  mounts: readonly M[],
): M | undefined {
  const around = mounts.filter(({ Destination }) =>
    path.startsWith(Destination.endsWith('/') ? Destination : `${Destination}/`),
  )
  return around.toSorted((one, other) => other.Destination.length - one.Destination.length)[0]
}

/** Outside a volume a change would be lost with the container, and the helper could not see the file. */
export function mustBeWritable(path: string, service: string, mounts: readonly Mount[]): void {
  const mount = mountOf(path, mounts)
  const fits = mount !== undefined && mount.Type !== 'tmpfs'
  if (fits && mount.RW) return
  throw cannot(
    'change',
    `${path} of ${service}`,
    fits ? 'it is in a read-only volume' : 'it is in no volume',
    {
      code: 'preflight',
      hint: `mount a volume there in the stack's files; ${service} has: ${mounts.map(({ Destination }) => Destination).join(', ') || 'none'}`,
    },
  )
}
