import { randomBytes } from 'node:crypto'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { DockerEngine } from './connection.ts'
import { textOfFrames } from './log-frames.ts'
import { removeContainer } from './one-off.ts'
import { runLabels } from './run-labels.ts'

export type Help = {
  readonly engine: DockerEngine
  readonly scope: Scope
  /** Whose image and volumes are used; it need not run. */
  readonly container: string
  readonly service: string
  /** What is touched: each must lie in a volume that may be written to. */
  readonly paths: readonly string[]
  /** For sh; `$0`, `$1`, … are the words, so nothing of them is ever read as script. */
  readonly script: string
  readonly words: readonly string[]
}

/** Seconds for a program that renames or removes, and then waits for the disk. */
const longest = 300

/**
 * Runs a small program as root on the volumes of a container that may be stopped: in a container of its own from the same image, without
 * network, which is gone when this returns. It carries the run's label, so that one which outlives us is found.
 */
export async function runHelper({
  engine,
  scope,
  container,
  service,
  paths,
  script,
  words,
}: Help): Promise<void> {
  const { Image, Mounts } = await engine.ask(scope, {
    doing: `look at the volumes of ${service}`,
    ask: (docker, abortSignal) => docker.getContainer(container).inspect({ abortSignal }),
  })
  for (const path of paths) mustBeWritable(path, service, Mounts)
  const name = `runbook-helper-${randomBytes(6).toString('hex')}`
  try {
    const { code, said } = await engine.ask(scope, {
      doing: `run ${script.split(' ')[0]} on the volumes of ${service}`,
      changesWithinSeconds: longest,
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
          StatusCode === 0
            ? ''
            : await helper.logs({ stdout: true, stderr: true, follow: false, tail: 20, abortSignal })
        return { code: StatusCode, said: Buffer.isBuffer(log) ? textOfFrames(log).trim() : '' }
      },
    })
    if (code !== 0)
      throw new RunbookError(
        'failed',
        `on the volumes of ${service}, "${script}" ended with exit code ${code}: ${said}`,
        { hint: `the image of ${service} must have sh, mv, rm and sync` },
      )
  } finally {
    await removeContainer(engine, scope, name)
  }
}

type Mount = { readonly Type?: string; readonly Destination: string; readonly RW: boolean }

/** Outside of a volume a change would be lost with the container, and the helper would not see the file at all. */
export function mustBeWritable(path: string, service: string, mounts: readonly Mount[]): void {
  const around = mounts.filter(({ Destination }) =>
    path.startsWith(Destination.endsWith('/') ? Destination : `${Destination}/`),
  )
  const mount = around.toSorted((one, other) => other.Destination.length - one.Destination.length)[0]
  const fits = mount !== undefined && mount.Type !== 'tmpfs'
  if (fits && mount.RW) return
  throw new RunbookError(
    'preflight',
    fits
      ? `${path} of ${service} lies in a volume that may only be read`
      : `${path} lies in no volume of ${service}`,
    {
      hint: `mount a volume there in the stack's files; what ${service} has: ${mounts.map(({ Destination }) => Destination).join(', ') || 'none'}`,
    },
  )
}
