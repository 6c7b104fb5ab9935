import type { ChildProcess } from 'node:child_process'
import type { Scope } from '../../drivers/scope.ts'
import { systemClock } from '../../kernel/clock.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { endGroup, signalGroup, statOf } from './proc.ts'
import type { Call, Ended } from './call.ts'
import { routeStdout, feedStdin, orEnd, isStream, keepTail } from './streams.ts'

/** Together with the time to reap a killed process, shorter than the engine waits for an aborted step. */
const defaultGrace = 2_000

/** Process groups to kill on exit, where the kernel does not do it: on macOS, and for grandchildren. */
const live = new Set<number>()
process.once('exit', () => {
  for (const group of live) signalGroup(group, 'SIGKILL')
})

export type HowEnded = {
  readonly exitCode?: number | null
  readonly signal?: string
  /** Why it did not start. */
  readonly cause?: unknown
}

export type Spawned = Pick<
  ChildProcess,
  'pid' | 'stdin' | 'stdout' | 'stderr' | 'stdio' | 'once' | 'unref'
> & {
  /** Once it has exited and its streams are closed. Never rejects. */
  readonly ended: Promise<HowEnded>
}

type SupervisedCall = Call & Required<Pick<Call, 'stdout'>>

/**
 * Feeds a program that was just spawned, routes its output, and waits until it and its process group have
 * ended.
 */
export async function supervise(
  subprocess: Spawned,
  call: SupervisedCall,
  scope: Scope,
): Promise<Omit<Ended, 'milliseconds'>> {
  const program = call.argv[0] ?? ''
  const { pid } = subprocess
  if (pid === undefined) {
    const { cause } = await subprocess.ended
    throw cannot('start', program, null, {
      code: 'failed',
      cause,
      hint: 'check the limits on processes, open files and memory: ulimit -a',
    })
  }
  live.add(pid)
  const grace = call.graceMilliseconds ?? defaultGrace

  /** Why the program was ended: thrown in place of returning its exit code. */
  let reason: { readonly thrown: unknown } | undefined
  let over = false
  const ending = Promise.withResolvers<void>()
  const end = (thrown: unknown): void => {
    // Once it is over, the group's number may be reused by another process.
    if (over || reason !== undefined) return
    reason = { thrown }
    endAll(pid, program, call, grace).then(ending.resolve, ending.reject)
  }
  ending.promise.catch(() => undefined)
  const onAbort = (): void => end(scope.signal.reason)
  scope.signal.addEventListener('abort', onAbort, { once: true })

  try {
    orEnd(end, () => scope.spawned({ pid, startTime: statOf(pid)?.startTime ?? null, argv0: program }))
    if (scope.signal.aborted) onAbort()
    const exited = new Promise((resolve) => subprocess.once('exit', resolve))
    feedStdin(subprocess.stdin, call.stdin, end)
    const stderr = keepTail(subprocess.stderr, scope, end)
    const text = routeStdout(subprocess.stdout, call.stdout, scope, end, program).catch((thrown: unknown) => {
      reason ??= { thrown }
      return ''
    })

    await Promise.race([exited, ending.promise])
    if (reason !== undefined) await ending.promise
    const closed = await closesWithin(subprocess.ended, call.stdout, grace)
    if (!closed) {
      const { stdout } = subprocess
      if (reason === undefined && call.stdout !== 'log' && stdout !== null && !stdout.readableEnded) {
        reason = {
          thrown: new RunbookError(
            'failed',
            `${program} exited, but a process that it left behind keeps its output open`,
          ),
        }
      }
      stdout?.destroy()
      subprocess.stderr?.destroy()
    }
    const result = await subprocess.ended
    const stdout = await text
    if (reason !== undefined) throw reason.thrown
    return { ...exitOf(result, program, stderr()), stdout, stderrTail: stderr() }
  } finally {
    over = true
    live.delete(pid)
    // A program that cannot be killed must not keep this process alive.
    for (const stream of [subprocess.stdin, subprocess.stdout, subprocess.stderr]) stream?.destroy()
    subprocess.unref()
    scope.signal.removeEventListener('abort', onAbort)
  }
}

async function endAll(group: number, program: string, call: SupervisedCall, grace: number): Promise<void> {
  const elsewhere = await outcomeOf(call.endElsewhere)
  const ended = await endGroup(group, grace, systemClock)
  // Again, for what the program was about to start during the first search.
  const again = elsewhere.status === 'fulfilled' ? await outcomeOf(call.endElsewhere) : elsewhere
  if (!ended) {
    throw cannot('end', program, `process group ${group} is still running after KILL, stuck in the kernel`, {
      code: 'in-doubt',
      hint: `check: ps -o pid,stat,wchan:30,args -g ${group}`,
    })
  }
  if (again.status === 'rejected') throw again.reason
}

async function outcomeOf(work: Call['endElsewhere']): Promise<PromiseSettledResult<void>> {
  const [outcome] = await Promise.allSettled([work?.()])
  return outcome
}

/** False if the output stays open for the grace period. A slow reader of ours gets all the time it needs. */
async function closesWithin(
  outputEnded: Promise<unknown>,
  target: SupervisedCall['stdout'],
  grace: number,
): Promise<boolean> {
  const over = new AbortController()
  const timer = systemClock.sleep(grace, over.signal).then(
    () => false,
    () => true,
  )
  try {
    if (await Promise.race([outputEnded.then(() => true), timer])) return true
  } finally {
    over.abort()
  }
  const readerIsSlow = isStream(target) && target.writableNeedDrain
  return readerIsSlow ? closesWithin(outputEnded, target, grace) : false
}

function exitOf(result: HowEnded, program: string, stderr: string): { readonly exitCode: number } {
  if (result.exitCode === undefined || result.exitCode === null) {
    throw new RunbookError(
      'failed',
      `${program} was ended by ${result.signal ?? 'an unknown signal'} from outside`,
      {
        hint:
          result.signal === 'SIGKILL'
            ? 'check: dmesg | grep -i "out of memory"'
            : `check what sends ${result.signal ?? 'signals'} to ${program}`,
      },
    )
  }
  // setpriv(1) executes the program, so its message carries the error of exec(3).
  if (stderr.startsWith('setpriv: failed to execute')) {
    throw cannot('start', program, stderr.trim(), { code: 'preflight', hint: `check: file ${program}` })
  }
  return { exitCode: result.exitCode }
}
