import type { ChildProcess, spawn as nodeSpawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import { $, ProcessOutput, type Options } from 'zx/core'
import type { Command, ScriptEnded, ScriptLine } from '../drivers/commands.ts'
import { RunbookError } from '../kernel/errors.ts'
import { hold } from './at-work.ts'
import type { Shell } from './dollar.ts'

/** Where the commands of a script run, and with what beside the few variables that every program gets. */
export type ScriptPlace = Omit<Command, 'argv'>

/** A `$`, and what its commands met that none of them may hide. */
export type ScriptShell = {
  readonly $: Shell
  /** Why a command could not be started or lost track of, also where a script caught that; undefined if none. */
  lost(): { readonly reason: unknown } | undefined
}

/** How much of its output a command keeps for `.text()`; all of it is in the log. Bytes. */
const kept = 1 << 20

/**
 * zx's `$` whose commands run through a port of the engine, so they are tagged with the run, logged, and ended with the
 * attempt of their step. Each is a line for bash, under `set -euo pipefail`.
 */
export function scriptShell(
  place: ScriptPlace,
  run: (line: ScriptLine) => Promise<ScriptEnded>,
): ScriptShell {
  let lost: { readonly reason: unknown } | undefined
  const lose = (reason: unknown): void => {
    lost ??= { reason }
  }
  const call = (first: TemplateStringsArray | Partial<Options>, ...values: readonly unknown[]) => {
    if (!('raw' in first))
      return (pieces: TemplateStringsArray, ...more: readonly unknown[]) => command(first, pieces, more)
    return command({}, first as TemplateStringsArray, values)
  }
  // Options are those of each command, since commands of one script run side by side.
  const command = (more: Partial<Options>, pieces: TemplateStringsArray, values: readonly unknown[]) => {
    const release = more.halt === true ? () => undefined : hold()
    try {
      return $({
        cwd: place.directory,
        shell: 'bash',
        prefix: 'set -euo pipefail;',
        quiet: true,
        log: () => undefined,
        store: { stdout: tail(), stderr: tail(), stdall: tail() },
        ...more,
        // zx types it as Node's own function; it uses the asynchronous form with one command line only.
        spawn: startIn({ place, run, lose, release }) as unknown as typeof nodeSpawn,
      })(pieces, ...values)
    } catch (thrown) {
      release()
      throw thrown
    }
  }
  return { $: call as unknown as Shell, lost: () => lost }
}

/** A command of a script that failed, as an error of the step: which, how, and its last line. Others as they are. */
export function failureOfScript(thrown: unknown): unknown {
  if (!(thrown instanceof ProcessOutput) || thrown.exitCode === null) return thrown
  const last = thrown.stderr.trim().split('\n').at(-1) ?? ''
  return new RunbookError(
    'failed',
    `a command of the script ended with exit code ${thrown.exitCode}${last === '' ? '' : `: ${last}`}`,
    { hint: 'its output is in the log of this step' },
  )
}

type Started = EventEmitter & Pick<ChildProcess, 'stdin' | 'stdout' | 'stderr' | 'pid' | 'kill'>

type Start = {
  readonly place: ScriptPlace
  readonly run: (line: ScriptLine) => Promise<ScriptEnded>
  readonly lose: (reason: unknown) => void
  /** Called when the command itself begins. */
  readonly release: () => void
}

const startIn =
  ({ place, run, lose, release }: Start) =>
  (
    line: string,
    _: readonly string[],
    options: { readonly cwd?: string; readonly signal?: AbortSignal; readonly env?: NodeJS.ProcessEnv },
  ): Started => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const child = Object.assign(new EventEmitter(), { stdin, stdout, stderr, kill: () => false })
    let source: Readable | null = null
    stdin.once('pipe', (from: Readable) => {
      source = from
    })
    const close = (exitCode: number | null): void => {
      const read = hold()
      // zx takes the exit code once it has read what is written.
      setImmediate(() => child.emit('close', exitCode, null))
      afterTurns(turnsToRead, read)
    }
    const start = async (): Promise<void> => {
      release()
      const { exitCode, stderr: said } = await run({
        ...place,
        directory: options.cwd ?? place.directory,
        line,
        input: isFed(source) || stdin.writableEnded || stdin.writableLength > 0 ? stdin : null,
        output: stdout,
        signal: options.signal ?? null,
      })
      stderr.end(said)
      close(exitCode)
    }
    // What is piped into a command is known only once zx has its child.
    setImmediate(() => {
      start().catch((thrown: unknown) => {
        if (options.signal?.aborted !== true) lose(thrown)
        stdout.end()
        stderr.end()
        child.emit('error', thrown)
        close(null)
      })
    })
    return child as Started
  }

/** Turns of the event loop after which zx has settled a command that has closed. */
const turnsToRead = 8

const afterTurns = (turns: number, then: () => void): void =>
  void setImmediate(() => (turns > 1 ? afterTurns(turns - 1, then) : then()))

/** zx always pipes a stream of its own into a command: whether it holds something, or something is piped into that in turn. */
const isFed = (source: Readable | null): boolean =>
  source !== null && (source.listenerCount('unpipe') > 0 || source.readableLength > 0 || source.readableEnded)

/** An array of chunks that keeps the last ones, after a line that says that there were more. */
function tail(): (string | Buffer)[] {
  const chunks: (string | Buffer)[] = []
  let bytes = 0
  let isCut = false
  return Object.assign(chunks, {
    push(...added: (string | Buffer)[]): number {
      for (const chunk of added) {
        chunks[chunks.length] = chunk
        bytes += chunk.length
      }
      while (bytes > kept && chunks.length > (isCut ? 2 : 1)) {
        bytes -= chunks.splice(isCut ? 1 : 0, 1)[0]?.length ?? 0
        if (isCut) continue
        chunks.unshift(Buffer.from('[the beginning is only in the log of the step]\n'))
        isCut = true
      }
      return chunks.length
    },
  })
}
