import { stat } from 'node:fs/promises'
import { makeFolders } from '../disk/make-folders.ts'
import type { Child, Scope } from '../../drivers/scope.ts'
import type {
  Drift,
  Instance,
  ProcessStack,
  ServiceGroup,
  Services,
  ServiceState,
  Stack,
} from '../../drivers/services.ts'
import type { Clock } from '../../kernel/clock.ts'
import { cannot } from '../../kernel/errors.ts'
import { digestOf, sameJson } from '../../kernel/json.ts'
import { refuseUnknown } from '../../kernel/did-you-mean.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { logFile, serviceTag, serviceVariable } from '../../model/start-lines.ts'
import { labelled, lastLines } from './log-lines.ts'
import { pollUntil, endGroup, isRunning } from './proc.ts'
import { shell } from './shell.ts'
import { hashFile } from '../disk/copy-durably.ts'
import { digestsOf } from './variable-digests.ts'
import { environmentOf } from './environ.ts'
import { errorLine, logFrom, logTail } from './log-tail.ts'
import {
  asDeclared,
  digestOfService,
  readRecord,
  removeRecord,
  runningChild,
  writeRecord,
  type ServiceRecord,
} from './record.ts'

/**
 * Milliseconds in which a service without its port or file usually exits; a health check finds one that exits
 * later.
 */
const startupMilliseconds = 1_000

/** Seconds for a service to stop when `up` replaces it, as in Compose. */
const graceWhenReplaced = 10

type ServiceDeps = { readonly scope: Scope; readonly clock: Clock }

/**
 * Services that are plain processes of this machine and outlive this program. Each has a pid file, with the
 * start time of its process, and a log file in the stack's `state` folder. Their health is unknown here: a
 * health check asks them.
 */
export function processServices(hands: ServiceDeps): Services {
  const { scope, clock } = hands
  const each = async (
    group: ServiceGroup,
    work: (stack: ProcessStack, name: string) => Promise<void>,
  ): Promise<void> => {
    const stack = processStack(group.stack)
    refuseUnknown('service', group.names, Object.keys(stack.services), stack.project)
    const done = await Promise.allSettled(group.names.map((name) => work(stack, name)))
    for (const outcome of done) if (outcome.status === 'rejected') throw outcome.reason
  }
  const stop = async (stack: ProcessStack, name: string, graceSeconds: number): Promise<void> => {
    const child = runningChild(stack, name, await readRecord(stack, name))
    if (child === null || (await endGroup(child.pid, graceSeconds * 1000, clock, scope.signal))) return
    throw cannot(
      'stop',
      `${name} of ${stack.project}`,
      `process group ${child.pid} is still running after KILL, stuck in the kernel`,
      {
        code: 'in-doubt',
        hint: `check: ps -o pid,stat,wchan:30,args -g ${child.pid}`,
      },
    )
  }
  return {
    async facts(given) {
      const stack = processStack(given)
      await mustBeFolder(stack)
      const { services, project, directory } = stack
      return {
        manager: 'process',
        services: Object.keys(services).sort(),
        configDigest: digestOf({ project, directory, services }),
        published: [],
      }
    },

    // Processes keep their files where they want.
    storage: async () => ({ mounts: [], unnamed: [] }),

    async states(group) {
      const stack = processStack(group.stack)
      refuseUnknown('service', group.names, Object.keys(stack.services), stack.project)
      return Promise.all(group.names.map((name) => stateOf(stack, name)))
    },

    async declared(group) {
      const stack = processStack(group.stack)
      refuseUnknown('service', group.names, Object.keys(stack.services), stack.project)
      return group.names.map((service) => ({ service, image: stack.services[service]?.command[0] ?? null }))
    },

    async outdated(group) {
      const stack = processStack(group.stack)
      refuseUnknown('service', group.names, Object.keys(stack.services), stack.project)
      const records = await Promise.all(
        group.names.map(async (name) => ({ name, record: await readRecord(stack, name) })),
      )
      return records.flatMap(({ name, record }) => {
        const service = stack.services[name]
        const upToDate =
          record !== null &&
          service !== undefined &&
          digestOfService(record) === digestOfService(asDeclared(stack, service))
        return upToDate ? [] : [name]
      })
    },

    async creations(group) {
      const stack = processStack(group.stack)
      refuseUnknown('service', group.names, Object.keys(stack.services), stack.project)
      const found = await Promise.all(
        group.names.map(async (service) => ({ service, record: await readRecord(stack, service) })),
      )
      return found.flatMap(({ service, record }) =>
        record === null
          ? []
          : [
              {
                service,
                instance: instanceOf(record, runningChild(stack, service, record) ?? record.child).id,
                number: 1,
                files: [],
                declaration: digestOfService(record),
                createdBy: null,
                environment: digestOf(record.environment),
                // A process sees every file of this machine; this is where it runs.
                mounts: [{ kind: 'folder', source: record.directory, target: record.directory }],
                networks: [],
              },
            ],
      )
    },

    async drift(group) {
      const stack = processStack(group.stack)
      refuseUnknown('service', group.names, Object.keys(stack.services), stack.project)
      const records = await Promise.all(
        group.names.map(async (service) => ({ service, record: await readRecord(stack, service) })),
      )
      return records.flatMap(({ service, record }): readonly Drift[] => {
        const declared = stack.services[service]
        if (record === null || declared === undefined) return []
        // Its command stands for the image of a container.
        const environment = !sameJson(record.environment, declared.environment)
        const directory = record.directory !== stack.directory
        if (!environment && !directory) return []
        return [
          {
            service,
            kinds: [
              ...(environment ? (['environment'] as const) : []),
              ...(directory ? (['other'] as const) : []),
            ],
            problem: `${service} was started with another ${environment ? 'environment' : 'folder'} than runbook.config.ts declares`,
            hint: `set stack in runbook.config.ts to what ${service} was started with, or restart it first`,
          },
        ]
      })
    },

    /** Processes are declared in the configuration of the target, not in files of their own. */
    async declaredChanges(stack) {
      processStack(stack)
      return []
    },

    async declaredVariables(group) {
      const stack = processStack(group.stack)
      refuseUnknown('service', group.names, Object.keys(stack.services), stack.project)
      return group.names.map((service) => ({
        service,
        digests: digestsOf(
          Object.entries(stack.services[service]?.environment ?? {}).map(
            ([name, value]) => `${name}=${value}`,
          ),
        ),
      }))
    },

    async variables(group) {
      const stack = processStack(group.stack)
      refuseUnknown('service', group.names, Object.keys(stack.services), stack.project)
      const children = await Promise.all(
        group.names.map(async (name) => ({ name, record: await readRecord(stack, name) })),
      )
      return children.flatMap(({ name, record }) => {
        const child = runningChild(stack, name, record)
        const environment = child === null ? null : environmentOf(child.pid)
        if (child === null || environment === null) return []
        return [
          {
            service: name,
            instance: instanceOf(record, child).id,
            digests: digestsOf([...environment].map(([variable, value]) => `${variable}=${value}`)),
          },
        ]
      })
    },

    async digests(group, path) {
      const stack = processStack(group.stack)
      refuseUnknown('service', group.names, Object.keys(stack.services), stack.project)
      const records = await Promise.all(
        group.names.map(async (service) => ({ service, record: await readRecord(stack, service) })),
      )
      const running = records.flatMap(({ service, record }) => {
        const child = runningChild(stack, service, record)
        return child === null ? [] : [{ service, instance: instanceOf(record, child).id }]
      })
      // Processes of this machine see the same files.
      const sha256 = running.length === 0 ? null : await hashFile(path, scope).catch(() => null)
      return running.map((one) => ({ ...one, sha256 }))
    },

    async logs(group, { sinceSeconds, maxBytes }) {
      const stack = processStack(group.stack)
      refuseUnknown('service', group.names, Object.keys(stack.services), stack.project)
      const since = new Date(clock.now().getTime() - sinceSeconds * 1000)
      const share = Math.floor(maxBytes / Math.max(1, group.names.length))
      const tails = await Promise.all(
        group.names.map(async (name) => labelled(name, await logTail(logFile(stack, name), share, since))),
      )
      return lastLines(tails.join(''), maxBytes)
    },

    stop: (group, graceSeconds) => each(group, (stack, name) => stop(stack, name, graceSeconds)),

    start: (group) =>
      each(group, async (stack, name) => {
        const record = await readRecord(stack, name)
        if (runningChild(stack, name, record) === null)
          await start(stack, name, record ?? asDeclared(stack, serviceOf(stack, name)), hands)
      }),

    // Commands of this machine are not fetched.
    pull: (group) => each(group, async () => undefined),

    up: (group) =>
      each(group, async (stack, name) => {
        const wanted = asDeclared(stack, serviceOf(stack, name))
        const record = await readRecord(stack, name)
        const running = runningChild(stack, name, record) !== null
        if (running && record !== null && digestOfService(record) === digestOfService(wanted)) return
        if (running) await stop(stack, name, graceWhenReplaced)
        await start(stack, name, wanted, hands)
      }),

    recreate: (group) =>
      each(group, async (stack, name) => {
        const wanted = asDeclared(stack, serviceOf(stack, name))
        await stop(stack, name, graceWhenReplaced)
        await start(stack, name, wanted, hands)
      }),

    remove: (group) =>
      each(group, async (stack, name) => {
        await stop(stack, name, graceWhenReplaced)
        await removeRecord(stack, name)
      }),

    async runOneOff(given, service, command) {
      const stack = processStack(given)
      refuseUnknown('service', [service], Object.keys(stack.services), stack.project)
      const declared = stack.services[service]
      const argv = command.length > 0 ? command : (declared?.command ?? [])
      const { exitCode } = await shell.run(
        { argv, cwd: stack.directory, env: declared?.environment ?? {} },
        scope,
      )
      return { exitCode }
    },
  }
}

function processStack(stack: Stack): ProcessStack {
  if (stack.kind === 'process') return stack
  throw cannot('manage', `the services of ${stack.project}`, 'they are not local processes', { code: 'bug' })
}

/** A one-off exits by itself, so it can be neither started nor brought up. */
function serviceOf(stack: ProcessStack, name: string): ProcessStack['services'][string] {
  const service = stack.services[name]
  if (service !== undefined && !service.oneOff) return service
  throw cannot('start', `${name} of ${stack.project}`, 'it is a one-off, not a service', {
    code: 'usage',
    hint: `run it as a one-off, or set oneOff: false`,
  })
}

async function mustBeFolder({ directory, project }: ProcessStack): Promise<void> {
  const isFolder = await stat(directory).then(
    (facts) => facts.isDirectory(),
    () => false,
  )
  if (!isFolder) {
    throw cannot('run', `the services of ${project} in ${directory}`, 'no such folder', {
      code: 'preflight',
      hint: `check: ls -ld ${shellWord(directory)}`,
    })
  }
}

async function stateOf(stack: ProcessStack, name: string): Promise<ServiceState> {
  const record = await readRecord(stack, name)
  const child = runningChild(stack, name, record)
  const state = child !== null ? 'running' : record !== null ? 'stopped' : 'missing'
  const instance = child ?? record?.child
  return {
    service: name,
    state,
    health: 'none',
    instances: instance === undefined ? [] : [instanceOf(record, instance)],
  }
}

/** Without a record, after a crash between start and pid file, the command is unknown. */
const instanceOf = (record: ServiceRecord | null, child: Child): Instance => ({
  id: child.startTime === null ? `${child.pid}` : `${child.pid}@${child.startTime}`,
  image: record?.command[0] ?? 'unknown',
  imageId: record === null ? 'unknown' : digestOfService(record),
  startedAt: record?.startedAt ?? null,
  exitCode: null,
  outOfMemory: false,
})

async function start(
  stack: ProcessStack,
  name: string,
  declared: ReturnType<typeof asDeclared>,
  { clock, scope }: ServiceDeps,
): Promise<void> {
  await makeFolders(stack.state, 0o700)
  const log = logFile(stack, name)
  const sizeBefore = await stat(log).then(
    ({ size }) => size,
    () => 0,
  )
  const child = await shell.daemon(
    {
      argv: declared.command,
      cwd: declared.directory,
      env: { ...declared.environment, [serviceVariable]: serviceTag(stack, name) },
    },
    { log },
  )
  await writeRecord(stack, name, { ...declared, child, startedAt: clock.now().toISOString() })
  if (!(await pollUntil(() => !isRunning(child), startupMilliseconds, clock, scope.signal))) return
  const output = await logFrom(log, sizeBefore, 4_096)
  scope.output(Buffer.from(labelled(name, output)))
  throw cannot(
    'start',
    `${name} of ${stack.project}`,
    `it exited at once${output === '' ? '' : `: ${errorLine(output)}`}`,
    { code: 'failed', hint: `check: tail ${shellWord(log)}` },
  )
}
