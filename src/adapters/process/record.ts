import { shellWord } from '../../kernel/shell-quote.ts'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Child } from '../../drivers/scope.ts'
import type { ProcessService, ProcessStack } from '../../drivers/services.ts'
import { cannot } from '../../kernel/errors.ts'
import { digestOf, type JsonObject } from '../../kernel/json.ts'
import { serviceTag, serviceVariable } from '../../model/start-lines.ts'
import { writeDurably } from '../disk/durable.ts'
import { allProcesses, isRunning } from './proc.ts'
import { environmentOf } from './environ.ts'

/**
 * How a service was started. It outlives the process, so that `start` brings the same service back, like a
 * stopped container.
 */
export type ServiceRecord = JsonObject & {
  readonly child: Child
  readonly startedAt: string
  readonly command: readonly string[]
  readonly environment: { readonly [name: string]: string }
  readonly directory: string
}

export const pidFile = (stack: ProcessStack, name: string): string => join(stack.state, `${name}.pid`)

export const digestOfService = (
  declared: Pick<ServiceRecord, 'command' | 'environment' | 'directory'>,
): string =>
  `sha256:${digestOf({ command: declared.command, environment: declared.environment, directory: declared.directory })}`

export const asDeclared = (
  stack: ProcessStack,
  service: ProcessService,
): Pick<ServiceRecord, 'command' | 'environment' | 'directory'> => ({
  command: service.command,
  environment: service.environment,
  directory: stack.directory,
})

/** Null for a service that was never started. @throws RunbookError `failed` if the pid file cannot be read */
export async function readRecord(stack: ProcessStack, name: string): Promise<ServiceRecord | null> {
  try {
    return JSON.parse(await readFile(pidFile(stack, name), 'utf8')) as ServiceRecord
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw cannot('read', `the pid file of ${name}, ${pidFile(stack, name)}`, null, {
      code: 'failed',
      cause: thrown,
      hint: `check: cat ${shellWord(pidFile(stack, name))}`,
    })
  }
}

export async function writeRecord(stack: ProcessStack, name: string, record: ServiceRecord): Promise<void> {
  await writeDurably(pidFile(stack, name), new TextEncoder().encode(JSON.stringify(record)))
}

/** The service counts as never started afterwards; its log stays. */
export const removeRecord = (stack: ProcessStack, name: string): Promise<void> =>
  rm(pidFile(stack, name), { force: true })

/**
 * The running process of a service, or null. Found by its pid file, or by its tag if that is missing or
 * stale.
 */
export function runningChild(stack: ProcessStack, name: string, record: ServiceRecord | null): Child | null {
  if (record !== null && isRunning(record.child)) return record.child
  // The service leads its session; its children inherit the tag too.
  const leader = (allProcesses() ?? []).find(
    (stat) =>
      stat.session === stat.pid &&
      stat.state !== 'Z' &&
      environmentOf(stat.pid)?.get(serviceVariable) === serviceTag(stack, name),
  )
  return leader === undefined ? null : { pid: leader.pid, startTime: leader.startTime, argv0: name }
}
