import type { ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Scope } from '../drivers/scope.ts'
import { systemClock } from '../kernel/clock.ts'
import { RunbookError } from '../kernel/errors.ts'
import { endGroup, signalGroup, statOf } from './proc.ts'
import type { Call, Ended } from './shell.ts'

const defaultGrace = 5_000
const tailBytes = 4_096

/** Groups that must not outlive us where the kernel does not see to it: on macOS, and grandchildren when we exit. */
const live = new Set<number>()
process.once('exit', () => {
  for (const group of live) signalGroup(group, 'SIGKILL')
})

/** What execa returns, as far as it matters here. */
export type Spawned = Pick<ChildProcess, 'pid' | 'stdin' | 'stdout' | 'stderr' | 'once'> &
  PromiseLike<{ readonly exitCode?: number; readonly signal?: string; readonly cause?: unknown }>

type Attended = Call & Required<Pick<Call, 'stdout'>>

/** Feeds a program that has just been spawned, carries its output away, and waits until it and its group have ended. */
export async function attend(subprocess: Spawned, call: Attended, scope: Scope): Promise<Omit<Ended, 'milliseconds'>> {
  const program = call.argv[0] ?? ''
  const { pid } = subprocess
  if (pid === undefined) {
    const { cause } = await subprocess
    throw new RunbookError('failed', `could not start ${program}`, { cause, hint: 'look at the limits on processes, open files and memory' })
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
    const stdout = carry(subprocess.stdout, call.stdout, scope, end, program).catch((thrown: unknown) => {
      reason ??= { thrown }
      return ''
    })

    await Promise.race([exited, ending.promise])
    if (reason !== undefined) await ending.promise
    const quiet = await within(subprocess, call.stdout, grace)
    if (!quiet) {
      if (reason === undefined && call.stdout !== 'log' && !subprocess.stdout?.readableEnded) {
        reason = { thrown: new RunbookError('failed', `${program} ended, but something that it left behind still writes its output`) }
      }
      subprocess.stdout?.destroy()
      subprocess.stderr?.destroy()
    }
    const result = await subprocess
    const text = await stdout
    if (reason !== undefined) throw reason.thrown
    return { ...exitOf(result, program, stderr()), stdout: text, stderrTail: stderr() }
  } finally {
    over = true
    live.delete(pid)
    if (isStream(call.stdin)) call.stdin.destroy()
    scope.signal.removeEventListener('abort', onAbort)
  }
}

async function endAll(group: number, program: string, call: Attended, grace: number): Promise<void> {
  await call.endFirst?.().catch(() => undefined)
  if (await endGroup(group, grace, systemClock)) return
  throw new RunbookError('in-doubt', `${program} (process group ${group}) survived KILL: it hangs in the kernel`, {
    hint: `ps -o pid,stat,wchan:30,args -g ${group}`,
  })
}

/** False once the output has been open for the whole grace, though a slow reader of ours is given all the time it needs. */
async function within(outputEnded: PromiseLike<unknown>, target: Attended['stdout'], grace: number): Promise<boolean> {
  const over = new AbortController()
  const timer = systemClock.sleep(grace, over.signal).then(() => false, () => true)
  try {
    if (await Promise.race([outputEnded.then(() => true), timer])) return true
  } finally {
    over.abort()
  }
  const readerIsBehind = typeof target === 'object' && 'writableNeedDrain' in target && target.writableNeedDrain
  return readerIsBehind ? within(outputEnded, target, grace) : false
}

function exitOf(
  result: { readonly exitCode?: number; readonly signal?: string },
  program: string,
  stderr: string,
): { readonly exitCode: number } {
  if (result.exitCode === undefined) {
    throw new RunbookError('failed', `${program} was ended by ${result.signal ?? 'an unknown signal'}, which we did not send`, {
      hint: result.signal === 'SIGKILL' ? 'dmesg | grep -i "out of memory"' : `look who sends ${result.signal ?? 'signals'} to ${program}`,
    })
  }
  // setpriv(1) has taken our place in spawning, so its words stand for the system's own error.
  if (stderr.startsWith('setpriv: failed to execute')) {
    throw new RunbookError('preflight', `could not start ${program}: ${stderr.trim()}`, { hint: `file ${program}` })
  }
  return { exitCode: result.exitCode }
}

/** Closes the input only when all of it was read: a source that fails must not look like one that is complete. */
function feed(stdin: Writable | null, source: Call['stdin'], end: (thrown: unknown) => void): void {
  if (stdin === null || source === undefined || source === 'none') return
  // A program may end without reading everything; its exit code says whether that was right.
  stdin.on('error', () => undefined)
  if (!isStream(source)) {
    stdin.end(source)
    return
  }
  source.on('error', (thrown) => end(thrown))
  source.on('close', () => {
    if (!source.readableEnded && source.errored === null && stdin.writable) end(new RunbookError('failed', 'the input was closed before its end'))
  })
  source.pipe(stdin)
}

const isStream = (stdin: Call['stdin']): stdin is Readable => typeof stdin === 'object' && !(stdin instanceof Uint8Array)

function keepTail(stderr: Readable | null, scope: Scope, end: (thrown: unknown) => void): () => string {
  let tail = Buffer.alloc(0)
  stderr?.on('data', (chunk: Buffer) => {
    guarded(end, () => scope.output(chunk))
    tail = Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes)
  })
  return () => tail.toString()
}

/** @returns what was asked to be collected, when all of it has arrived. */
async function carry(
  stdout: Readable | null, target: Attended['stdout'], scope: Scope, end: (thrown: unknown) => void, program: string,
): Promise<string> {
  if (stdout === null) return ''
  if (target === 'log') {
    stdout.on('data', (chunk: Buffer) => guarded(end, () => scope.output(chunk)))
    return ''
  }
  if ('text' in target) {
    const chunks: Buffer[] = []
    let bytes = 0
    stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > target.text) end(new RunbookError('failed', `${program} printed more than the ${target.text} bytes expected`))
      else chunks.push(chunk)
    })
    await new Promise((resolve) => stdout.once('close', resolve))
    return Buffer.concat(chunks).toString()
  }
  if ('fd' in target) return ''
  await pipeline(stdout, target).catch((thrown: unknown) => {
    end(thrown)
    throw thrown
  })
  return ''
}

/** What a callback of the engine throws must end the program, not the process. */
function guarded(end: (thrown: unknown) => void, work: () => void): void {
  try {
    work()
  } catch (thrown) {
    end(thrown)
  }
}
