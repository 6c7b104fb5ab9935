import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Child } from '../../drivers/scope.ts'
import type { ProcessService, ProcessStack } from '../../drivers/services.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { digestOf, type JsonObject } from '../../kernel/json.ts'
import { writeDurably } from '../disk/durable.ts'
import { allProcesses, isRunning } from './proc.ts'
import { environmentOf } from './environ.ts'

/** What a service was started as. It outlives the process, so that `start` brings back the same thing, as a stopped container does. */
export type ServiceRecord = JsonObject & {
  readonly child: Child
  readonly startedAt: string
  readonly command: readonly string[]
  readonly environment: { readonly [name: string]: string }
  readonly directory: string
}

export const pidFile = (stack: ProcessStack, name: string): string => join(stack.state, `${name}.pid`)
export const logFile = (stack: ProcessStack, name: string): string => join(stack.state, `${name}.log`)

/** In the environment of every service, so that one whose pid file was never written, for want of a second, is found again. */
export const serviceTag = (stack: ProcessStack, name: string): string => `${stack.state}/${name}`

export const digestOfService = (made: Pick<ServiceRecord, 'command' | 'environment' | 'directory'>): string =>
  `sha256:${digestOf({ command: made.command, environment: made.environment, directory: made.directory })}`

export const asDeclared = (
  stack: ProcessStack,
  service: ProcessService,
): Pick<ServiceRecord, 'command' | 'environment' | 'directory'> => ({
  command: service.command,
  environment: service.environment,
  directory: stack.directory,
})

/** Null for a service that was never started. @throws RunbookError `failed` for a pid file that cannot be read */
export async function readRecord(stack: ProcessStack, name: string): Promise<ServiceRecord | null> {
  try {
    return JSON.parse(await readFile(pidFile(stack, name), 'utf8')) as ServiceRecord
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new RunbookError(
      'failed',
      `could not read ${pidFile(stack, name)}, which says which process ${name} is`,
      {
        cause: thrown,
        hint: `cat ${pidFile(stack, name)}`,
      },
    )
  }
}

export async function writeRecord(stack: ProcessStack, name: string, record: ServiceRecord): Promise<void> {
  await writeDurably(pidFile(stack, name), new TextEncoder().encode(JSON.stringify(record)))
}

/** The process that a service is now, or null. By its pid file; where that is missing or names a dead one, by its tag. */
export function runningChild(stack: ProcessStack, name: string, record: ServiceRecord | null): Child | null {
  if (record !== null && isRunning(record.child)) return record.child
  // The service leads its session; what it started may carry the tag too.
  const leader = (allProcesses() ?? []).find(
    (stat) =>
      stat.session === stat.pid &&
      stat.state !== 'Z' &&
      environmentOf(stat.pid)?.get('RUNBOOK_SERVICE') === serviceTag(stack, name),
  )
  return leader === undefined ? null : { pid: leader.pid, startTime: leader.startTime, argv0: name }
}
