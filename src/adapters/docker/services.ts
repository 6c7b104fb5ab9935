import { createHash } from 'node:crypto'
import type { Scope } from '../../drivers/scope.ts'
import type { ComposeStack, ServiceGroup, Services, Stack } from '../../drivers/services.ts'
import { cannot } from '../../kernel/errors.ts'
import { refuseUnknown } from '../../kernel/did-you-mean.ts'
import { labelled, lastLines } from '../process/log-lines.ts'
import { createArgv, pullArgv, recreateArgv, upArgv } from './compose-argv.ts'
import { compose, type ComposeAnswers } from './compose.ts'
import { dockerEngine, statusOf, type DockerEngine } from './connection.ts'
import { serviceState } from './container-state.ts'
import { containersOf, refuseElsewhere, type ContainerInfo } from './containers.ts'
import { creationOf, type CreatedContainer } from './creation.ts'
import { declaredChanges, edited } from './declared-changes.ts'
import { driftFrom } from './drift.ts'
import { execInContainer } from './exec.ts'
import { textOfFrames } from './log-frames.ts'
import { runOnce } from './one-off.ts'
import { storageOf } from './storage.ts'
import { digestsOf } from '../process/variable-digests.ts'

/** Seconds that Docker may take in addition to a service's grace period, on a busy machine. */
const overheadSeconds = 30

/** Lines read from a container's log; Docker splits lines at 16 KiB. */
const maxLines = 1_000

/**
 * Services of a Compose project. Containers are found by the labels of Compose, so existing ones can be
 * inspected, stopped and started even if the stack's files have become unreadable. Compose creates what is
 * missing or differs. Only the named services are touched, never their dependencies.
 */
export function composeServices({
  scope,
  engine = dockerEngine(),
  answers = null,
}: {
  readonly scope: Scope
  readonly engine?: DockerEngine
  readonly answers?: ComposeAnswers | null
}): Services {
  const command = compose(engine, scope, answers)

  /**
   * Containers by service. The files are read only if a service has none, to distinguish a missing from a
   * misspelt one.
   */
  const find = async (
    group: ServiceGroup,
  ): Promise<{
    readonly stack: ComposeStack
    readonly found: ReadonlyMap<string, readonly ContainerInfo[]>
  }> => {
    const stack = composeStack(group.stack)
    const found = await containersOf(engine, scope, stack, group.names)
    const missing = group.names.filter((name) => found.get(name)?.length === 0)
    if (missing.length > 0) {
      const { services } = await command.config(stack)
      refuseUnknown('service', missing, services, stack.project)
      await refuseElsewhere(engine, scope, stack, missing)
    }
    return { stack, found }
  }
  const inspect = (id: string): Promise<CreatedContainer> =>
    engine.ask(scope, {
      doing: `inspect container ${id.slice(0, 12)}`,
      answer: `container ${id}`,
      ask: (docker, abortSignal) => docker.getContainer(id).inspect({ abortSignal }),
    })

  return {
    async facts(given) {
      const stack = composeStack(given)
      const [server, version, { services, digest, published }] = await Promise.all([
        engine.ask(scope, { doing: 'read the version of Docker', ask: (docker) => docker.version() }),
        command.version(),
        command.config(stack),
      ])
      const manager = `docker ${server.Version}, compose ${version}`
      return { manager, services, configDigest: digest, published }
    },

    async states(group) {
      const { found } = await find(group)
      return Promise.all(
        group.names.map(async (name) =>
          serviceState(name, await Promise.all((found.get(name) ?? []).map(({ Id }) => inspect(Id)))),
        ),
      )
    },

    async declared(group) {
      const stack = composeStack(group.stack)
      const config = await command.config(stack)
      refuseUnknown('service', group.names, config.services, stack.project)
      return group.names.map((service) => {
        const needs = config.needs(service)
        return {
          service,
          image: config.image(service),
          ...(config.builtImage(service) === null ? {} : { built: true as const }),
          ...(needs.length === 0 ? {} : { needs }),
        }
      })
    },

    async outdated(group) {
      const { stack, found } = await find(group)
      if (group.names.length === 0) return []
      const recreated = await command.wouldRecreate(stack, group.names)
      const isOutdated = (name: string): boolean => {
        const containers = found.get(name) ?? []
        return (
          containers.length === 0 ||
          containers.some(({ Names }) => Names.some((one) => recreated.includes(one.replace(/^\//, ''))))
        )
      }
      return group.names.filter(isOutdated)
    },

    async creations(group) {
      const { found } = await find(group)
      const each = group.names.map(async (name) =>
        (await Promise.all((found.get(name) ?? []).map(({ Id }) => inspect(Id)))).map((container) =>
          creationOf(name, container),
        ),
      )
      return (await Promise.all(each)).flat()
    },

    async drift(group, edit) {
      const { stack, found } = await find(group)
      const services = await Promise.all(
        group.names.map(async (service) => ({
          service,
          containers: await Promise.all((found.get(service) ?? []).map(({ Id }) => inspect(Id))),
        })),
      )
      const context = { engine, command, scope }
      return edit === undefined
        ? driftFrom(context, stack, services)
        : edited(stack, edit, ({ read }) => driftFrom(context, stack, services, read))
    },

    declaredChanges: (stack, edit) => declaredChanges(command, composeStack(stack), edit),

    storage: (stack) => storageOf({ engine, command, scope }, composeStack(stack)),

    async declaredVariables(group) {
      const stack = composeStack(group.stack)
      const config = await command.config(stack)
      refuseUnknown('service', group.names, config.services, stack.project)
      return group.names.map((service) => ({
        service,
        digests: digestsOf(
          Object.entries(config.creation(service).environment).map(([name, value]) => `${name}=${value}`),
        ),
      }))
    },

    async variables(group) {
      const { found } = await find(group)
      const running = group.names.flatMap((service) =>
        (found.get(service) ?? [])
          .filter(({ State }) => State === 'running')
          .map(({ Id }) => ({ service, Id })),
      )
      return Promise.all(
        running.map(async ({ service, Id }) => ({
          service,
          instance: Id,
          digests: digestsOf((await inspect(Id)).Config.Env ?? []),
        })),
      )
    },

    async digests(group, path) {
      const { found } = await find(group)
      const running = group.names.flatMap((service) =>
        (found.get(service) ?? [])
          .filter(({ State }) => State === 'running')
          .map(({ Id }) => ({ service, Id })),
      )
      return Promise.all(
        running.map(async ({ service, Id }) => {
          const hash = createHash('sha256')
          const { exitCode } = await execInContainer(Id, { argv: ['cat', path], stdout: hash }, scope, engine)
          return { service, instance: Id, sha256: exitCode === 0 ? hash.digest('hex') : null }
        }),
      )
    },

    async logs(group, { sinceSeconds, maxBytes }) {
      const { found } = await find(group)
      const share = Math.floor(maxBytes / Math.max(1, group.names.length))
      const since = Math.floor(Date.now() / 1000) - sinceSeconds
      const texts = await Promise.all(
        group.names.map(async (name) => {
          const logs = await Promise.all(
            (found.get(name) ?? []).map(async ({ Id }) =>
              logOf(engine, scope, { id: Id, tty: (await inspect(Id)).Config.Tty === true, since }),
            ),
          )
          return lastLines(labelled(name, logs.join('')), share)
        }),
      )
      return texts.join('')
    },

    async stop(group, graceSeconds) {
      const { found } = await find(group)
      await all(
        group.names.flatMap((name) =>
          (found.get(name) ?? []).map(({ Id }) =>
            change(engine, scope, {
              doing: `stop ${name}`,
              seconds: graceSeconds + overheadSeconds,
              ask: (docker, abortSignal) => docker.getContainer(Id).stop({ t: graceSeconds, abortSignal }),
            }),
          ),
        ),
      )
    },

    async start(group) {
      const { stack, found } = await find(group)
      const missing = group.names.filter((name) => found.get(name)?.length === 0)
      await all(
        group.names.flatMap((name) =>
          (found.get(name) ?? []).map(({ Id, State }) =>
            change(engine, scope, {
              doing: `start ${name}`,
              seconds: overheadSeconds,
              ask: (docker, abortSignal) =>
                State === 'paused'
                  ? docker.getContainer(Id).unpause({ abortSignal })
                  : docker.getContainer(Id).start({ abortSignal }),
            }),
          ),
        ),
      )
      if (missing.length > 0)
        await command.change(stack, `create ${missing.join(', ')}`, createArgv(stack, missing))
    },

    async pull(group) {
      const { stack } = await find(group)
      await command.change(
        stack,
        `pull the images of ${group.names.join(', ')}`,
        pullArgv(stack, group.names),
      )
    },

    async up(group, counts) {
      const { stack } = await find(group)
      await command.change(stack, `bring up ${group.names.join(', ')}`, upArgv(stack, group.names, counts))
    },

    async recreate(group, counts) {
      const { stack, found } = await find(group)
      await all(
        group.names.flatMap((name) =>
          staleRecreations(found.get(name) ?? []).map(({ Id }) =>
            change(engine, scope, {
              doing: `remove the leftover container of an interrupted deployment of ${name}`,
              seconds: overheadSeconds,
              ask: (docker, abortSignal) => docker.getContainer(Id).remove({ abortSignal }),
            }),
          ),
        ),
      )
      await command.change(
        stack,
        `recreate ${group.names.join(', ')}`,
        recreateArgv(stack, group.names, counts),
      )
    },

    async remove(group) {
      const { found } = await find(group)
      await all(
        group.names.flatMap((name) =>
          (found.get(name) ?? []).map(({ Id }) =>
            change(engine, scope, {
              doing: `remove ${name}`,
              seconds: overheadSeconds,
              ask: (docker, abortSignal) => docker.getContainer(Id).remove({ force: true, abortSignal }),
            }),
          ),
        ),
      )
    },

    async runOneOff(given, service, words) {
      const stack = composeStack(given)
      const config = await command.config(stack)
      refuseUnknown('service', [service], config.services, stack.project)
      const { exitCode } = await runOnce(
        { stack, service, words, builtImage: config.builtImage(service) },
        { engine, command, scope },
      )
      return { exitCode }
    },
  }
}

function composeStack(stack: Stack): ComposeStack {
  if (stack.kind === 'compose') return stack
  throw cannot('manage', `the services of ${stack.project}`, 'not a Compose stack', { code: 'bug' })
}

/**
 * Compose (2.26) creates the new container as `ID_NAME` before it removes the old one. If interrupted in
 * between it leaves both, and its next `--force-recreate` fails on that name: it removes the leftover while
 * creating another.
 */
const staleRecreations = (containers: readonly ContainerInfo[]): readonly ContainerInfo[] =>
  containers.length < 2
    ? []
    : containers.filter(
        ({ State, Names }) => State === 'created' && Names.every((name) => /^\/[0-9a-f]{12}_/.test(name)),
      )

type Change = {
  readonly doing: string
  readonly seconds: number
  readonly ask: Parameters<DockerEngine['ask']>[1]['ask']
}

/** The daemon answers 304 if the container is already in the requested state. */
async function change(engine: DockerEngine, scope: Scope, { doing, seconds, ask }: Change): Promise<void> {
  try {
    await engine.ask(scope, { doing, ask, changesWithinSeconds: seconds })
  } catch (thrown) {
    if (statusOf(thrown) !== 304) throw thrown
  }
}

/** Waits for all of them, so that nothing continues in the background after a failure. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work))
    if (outcome.status === 'rejected') throw outcome.reason
}

type Log = { readonly id: string; readonly tty: boolean; readonly since: number }

async function logOf(engine: DockerEngine, scope: Scope, { id, tty, since }: Log): Promise<string> {
  return engine.ask(scope, {
    doing: `read the log of ${id.slice(0, 12)}`,
    ask: async (docker, abortSignal) => {
      const log: unknown = await docker.getContainer(id).logs({
        stdout: true,
        stderr: true,
        follow: false,
        since,
        tail: maxLines,
        abortSignal,
      })
      // dockerode parses a log that looks like JSON.
      const bytes = Buffer.isBuffer(log)
        ? log
        : Buffer.from(typeof log === 'string' ? log : JSON.stringify(log))
      return tty ? bytes.toString() : textOfFrames(bytes)
    },
  })
}
