import type { ChildProcess } from 'node:child_process'
import type { Scope } from '../../drivers/scope.ts'
import { systemClock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { endGroup, signalGroup, statOf } from './proc.ts'
import type { Call, Ended } from './call.ts'
import { carry, feed, guarded, isStream, keepTail } from './streams.ts'

/** With the time to bury what was killed, less than the engine waits for a step that was told to end. */
const defaultGrace = 2_000

/** Groups that must not outlive us where the kernel does not see to it: on macOS, and grandchildren when we exit. */
const live = new Set<number>()
process.once('exit', () => {
  for (const group of live) signalGroup(group, 'SIGKILL')
})

/** What execa returns, as far as it matters here. */
export type Spawned = Pick<ChildProcess, 'pid' | 'stdin' | 'stdout' | 'stderr' | 'once' | 'unref'> &
  PromiseLike<{ readonly exitCode?: number; readonly signal?: string; readonly cause?: unknown }>

type Attended = Call & Required<Pick<Call, 'stdout'>>

/** Feeds a program that has just been spawned, carries its output away, and waits until it and its group have ended. */
export async function attend(
  subprocess: Spawned,
  call: Attended,
  scope: Scope,
): Promise<Omit<Ended, 'milliseconds'>> {
  const program = call.argv[0] ?? ''
  const { pid } = subprocess
  if (pid === undefined) {
    const { cause } = await subprocess
    throw new RunbookError('failed', `could not start ${program}`, {
      cause,
      hint: 'look at the limits on processes, open files and memory',
    })
  }
  live.add(pid)
  const grace = call.graceMilliseconds ?? defaultGrace

  /** What this ends with instead of an exit code, once something has made us end the program. */
  let reason: { readonly thrown: unknown } | undefined
  let over = false
  const ending = Promise.withResolvers<void>()
  const end = (thrown: unknown): void => {
    // Afterwards the number of the group may belong to somebody else.
    if (over || reason !== undefined) return
    reason = { thrown }
    endAll(pid, program, call, grace).then(ending.resolve, ending.reject)
  }
  ending.promise.catch(() => undefined)
  const onAbort = (): void => end(scope.signal.reason)
  scope.signal.addEventListener('abort', onAbort, { once: true })

  try {
    guarded(end, () => scope.spawned({ pid, startTime: statOf(pid)?.startTime ?? null, argv0: program }))
    if (scope.signal.aborted) onAbort()
    const exited = new Promise((resolve) => subprocess.once('exit', resolve))
    feed(subprocess.stdin, call.stdin, end)
    const stderr = keepTail(subprocess.stderr, scope, end)
    const text = carry(subprocess.stdout, call.stdout, scope, end, program).catch((thrown: unknown) => {
      reason ??= { thrown }
      return ''
    })

    await Promise.race([exited, ending.promise])
    if (reason !== undefined) await ending.promise
    const quiet = await within(subprocess, call.stdout, grace)
    if (!quiet) {
      const { stdout } = subprocess
      if (reason === undefined && call.stdout !== 'log' && stdout !== null && !stdout.readableEnded) {
        reason = {
          thrown: new RunbookError(
            'failed',
            `${program} ended, but something that it left behind still writes its output`,
          ),
        }
      }
      stdout?.destroy()
      subprocess.stderr?.destroy()
    }
    const result = await subprocess
    const stdout = await text
    if (reason !== undefined) throw reason.thrown
    return { ...exitOf(result, program, stderr()), stdout, stderrTail: stderr() }
  } finally {
    over = true
    live.delete(pid)
    // One that cannot be killed must not keep this process from ending.
    for (const stream of [subprocess.stdin, subprocess.stdout, subprocess.stderr]) stream?.destroy()
    subprocess.unref()
    scope.signal.removeEventListener('abort', onAbort)
  }
}

async function endAll(group: number, program: string, call: Attended, grace: number): Promise<void> {
  const elsewhere = await outcomeOf(call.endElsewhere)
  const ended = await endGroup(group, grace, systemClock)
  // Again, for what the program was just about to start when it was looked for.
  const again = elsewhere.status === 'fulfilled' ? await outcomeOf(call.endElsewhere) : elsewhere
  if (!ended) {
    throw new RunbookError(
      'in-doubt',
      `${program} (process group ${group}) survived KILL: it hangs in the kernel`,
      {
        hint: `ps -o pid,stat,wchan:30,args -g ${group}`,
      },
    )
  }
  if (again.status === 'rejected') throw again.reason
}

async function outcomeOf(work: Call['endElsewhere']): Promise<PromiseSettledResult<void>> {
  const [outcome] = await Promise.allSettled([work?.()])
  return outcome
}

/** False once the output has been open for the whole grace, though a slow reader of ours is given all the time it needs. */
async function within(
  outputEnded: PromiseLike<unknown>,
  target: Attended['stdout'],
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
  const readerIsBehind = isStream(target) && target.writableNeedDrain
  return readerIsBehind ? within(outputEnded, target, grace) : false
}

function exitOf(
  result: { readonly exitCode?: number; readonly signal?: string },
  program: string,
  stderr: string,
): { readonly exitCode: number } {
  if (result.exitCode === undefined) {
    throw new RunbookError(
      'failed',
      `${program} was ended by ${result.signal ?? 'an unknown signal'}, which we did not send`,
      {
        hint:
          result.signal === 'SIGKILL'
            ? 'dmesg | grep -i "out of memory"'
            : `look who sends ${result.signal ?? 'signals'} to ${program}`,
      },
    )
  }
  // setpriv(1) has taken our place in spawning, so its words stand for the system's own error.
  if (stderr.startsWith('setpriv: failed to execute')) {
    throw new RunbookError('preflight', `could not start ${program}: ${stderr.trim()}`, {
      hint: `file ${program}`,
    })
  }
  return { exitCode: result.exitCode }
}
