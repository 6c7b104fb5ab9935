import type { ChildProcess, spawn as nodeSpawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { $, type Options, type Shell as ScriptShell } from 'zx/core'
import type { Scope } from '../../drivers/scope.ts'
import { shell, type Call } from './shell.ts'

/** How much of its output a command keeps for `.text()`; the rest is in the log only. */
const keptBytes = 65_536

/** Where the commands of a script run, and with what beside the few variables that every program gets. */
export type ScriptPlace = {
  readonly directory: string
  readonly environment: { readonly [name: string]: string }
}

/**
 * zx's `$` for one attempt of a step. Each command is a call of bash through the shell of the engine: tagged with its run,
 * logged, and ended with the attempt. Interpolated values are quoted by zx.
 */
export function scriptShell(place: ScriptPlace, scope: Scope): ScriptShell {
  const options: Partial<Options> = {
    cwd: place.directory,
    shell: 'bash',
    prefix: 'set -euo pipefail;',
    quiet: true,
    log: () => undefined,
    // zx types it as Node's own function; it uses the asynchronous form with one command line only.
    spawn: startIn(place, scope) as unknown as typeof nodeSpawn,
  }
  return ((first: TemplateStringsArray | Partial<Options>, ...values: readonly unknown[]) => {
    // Of each command, since commands of one script run side by side.
    const bound = $({ ...options, store: { stdout: tail(), stderr: tail(), stdall: tail() } })
    return 'raw' in first ? bound(first as TemplateStringsArray, ...values) : bound(first)
  }) as ScriptShell
}

type Started = EventEmitter & Pick<ChildProcess, 'stdin' | 'stdout' | 'stderr' | 'pid' | 'kill'>

const startIn =
  (place: ScriptPlace, scope: Scope) =>
  (
    line: string,
    _: readonly string[],
    options: { readonly cwd?: string; readonly signal?: AbortSignal },
  ): Started => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const child = Object.assign(new EventEmitter(), { stdin, stdout, stderr, kill: () => false })
    const logged = new Writable({
      write(chunk: Buffer, _encoding, done) {
        scope.output(chunk)
        if (stdout.write(chunk)) done()
        else stdout.once('drain', () => done())
      },
    })
    const call: Call = {
      argv: ['bash', '-c', line],
      cwd: options.cwd ?? place.directory,
      env: place.environment,
      stdin,
      stdout: logged,
    }
    const signal =
      options.signal === undefined ? scope.signal : AbortSignal.any([scope.signal, options.signal])
    const close = (exitCode: number | null): void => {
      stdout.end()
      stderr.end()
      setImmediate(() => child.emit('close', exitCode, null))
    }
    void shell.run(call, { ...scope, signal }).then(
      ({ exitCode, stderrTail }) => {
        stderr.write(stderrTail)
        close(exitCode)
      },
      (thrown: unknown) => {
        child.emit('error', thrown)
        close(null)
      },
    )
    return child as Started
  }

/** An array of chunks that drops the first ones when there are too many. */
function tail(): (string | Buffer)[] {
  const chunks: (string | Buffer)[] = []
  let bytes = 0
  return Object.assign(chunks, {
    push(...added: (string | Buffer)[]): number {
      for (const chunk of added) {
        chunks[chunks.length] = chunk
        bytes += chunk.length
      }
      while (bytes > keptBytes && chunks.length > 1) bytes -= chunks.shift()?.length ?? 0
      return chunks.length
    },
  })
}
