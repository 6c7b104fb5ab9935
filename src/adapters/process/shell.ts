import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { open } from 'node:fs/promises'
import { Writable } from 'node:stream'
import type { Child, Scope } from '../../drivers/scope.ts'
import { systemClock } from '../../kernel/clock.ts'
import { cannot } from '../../kernel/errors.ts'
import type { Call, Ended } from './call.ts'
import { childEnvironment } from './child-environment.ts'
import { supervise, type HowEnded, type Spawned } from './supervise.ts'
import { dieWithParent, resolveProgram, which, type Argv } from './programs.ts'
import { statOf } from './proc.ts'
import { isStream, withStreams } from './streams.ts'

export type { Call, Ended } from './call.ts'

/** Where a local service that outlives this process writes. */
export type DaemonFiles = { readonly log: string }

export interface Shell {
  /**
   * Runs a program until it exits, in a session and process group of its own. An exit code is a value. When
   * scope.signal aborts, the group gets TERM, then KILL after the grace period, and this rejects with the
   * signal's reason once the group has ended. If this process dies, the kernel kills the program on Linux
   * (setpriv(1), prctl(2) PR_SET_PDEATHSIG); its children and set-uid programs are found by RUNBOOK_RUN and
   * RUNBOOK_STEP in their environment.
   * @throws RunbookError `preflight`: no such program or folder. `failed`: ended by a signal from outside,
   *   too much text, output that stays open. `in-doubt`: it survived KILL.
   */
  run(call: Call, scope: Scope): Promise<Ended>
  /**
   * Starts a local service that outlives this process: neither tagged with the run nor killed with it. Output
   * is appended to the log.
   * @throws RunbookError `preflight`: no such program or folder.
   */
  daemon(call: Pick<Call, 'argv' | 'cwd' | 'env'>, files: DaemonFiles): Promise<Child>
  /** The absolute path of a program on PATH, or null. */
  which(program: string): Promise<string | null>
}

export const shell: Shell = {
  run: (call, scope) =>
    withStreams([call.stdin, call.stdout], async () => {
      scope.signal.throwIfAborted()
      const began = systemClock.monotonic()
      const command = await dieWithParent(await resolveProgram(call.argv, call.cwd))
      // The attempt may have ended meanwhile.
      scope.signal.throwIfAborted()
      const stdout = call.stdout ?? 'log'
      const tags = { RUNBOOK_RUN: scope.run, RUNBOOK_STEP: scope.step }
      const subprocess = spawned(call.argv, command, {
        cwd: call.cwd,
        env: { ...childEnvironment(process.env, call.env ?? {}), ...tags },
        stdio: [
          call.stdin === undefined || call.stdin === 'none' ? 'ignore' : 'pipe',
          !isStream(stdout) && typeof stdout === 'object' && 'fd' in stdout ? stdout.fd : 'pipe',
          'pipe',
          ...(call.secret === undefined ? [] : (['pipe'] as const)),
        ],
      })
      giveSecret(subprocess.stdio[3], call.secret)
      const ended = await supervise(subprocess, { ...call, stdout }, scope)
      return { ...ended, milliseconds: Math.round(systemClock.monotonic() - began) }
    }),

  async daemon(call, files) {
    const command = await resolveProgram(call.argv, call.cwd)
    const log = await open(files.log, 'a', 0o600)
    try {
      const subprocess = spawned(call.argv, command, {
        cwd: call.cwd,
        env: childEnvironment(process.env, call.env ?? {}),
        stdio: ['ignore', log.fd, log.fd],
      })
      const { pid } = subprocess
      if (pid === undefined) {
        const { cause } = await subprocess.ended
        throw cannot('start', call.argv[0] ?? '', null, { code: 'preflight', cause })
      }
      subprocess.unref()
      return { pid, startTime: statOf(pid)?.startTime ?? null, argv0: command[0] }
    } finally {
      await log.close()
    }
  },

  which,
}

/** A program that does not read it, or ends before, breaks the pipe; its exit code says whether that was right. */
function giveSecret(into: ChildProcess['stdio'][3], secret: string | undefined): void {
  if (secret === undefined || !(into instanceof Writable)) return
  into.on('error', () => undefined)
  into.end(secret)
}

/**
 * Starts a program in a session and process group of its own, never through a shell. It rejects nothing: an error
 * and a signal are part of how it ended.
 */
function spawned(
  [name = '']: readonly string[],
  [program, ...args]: Argv,
  options: {
    readonly cwd: string | undefined
    readonly env: NodeJS.ProcessEnv
    readonly stdio: StdioOptions
  },
): Spawned {
  let subprocess: ChildProcess
  try {
    subprocess = spawn(program, args, { ...options, detached: true })
  } catch (cause) {
    // Node throws some errors at once, such as that of arguments that are too long.
    throw cannot('start', name, cause instanceof Error ? cause.message : null, { code: 'failed', cause })
  }
  const ended = new Promise<HowEnded>((resolve) => {
    subprocess.on('error', (cause) => resolve({ cause }))
    subprocess.once('close', (exitCode, signal) => resolve(signal === null ? { exitCode } : { signal }))
  })
  return Object.assign(subprocess, { ended })
}
