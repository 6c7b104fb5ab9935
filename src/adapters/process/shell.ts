import { open } from 'node:fs/promises'
import type { Child, Scope } from '../../drivers/scope.ts'
import { systemClock } from '../../kernel/clock.ts'
import { cannot } from '../../kernel/errors.ts'
import type { Call, Ended } from './call.ts'
import { childEnvironment } from './child-environment.ts'
import { supervise } from './supervise.ts'
import { dieWithParent, resolveProgram, which } from './programs.ts'
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
      const stdout = call.stdout ?? 'log'
      const tags = { RUNBOOK_RUN: scope.run, RUNBOOK_STEP: scope.step }
      const { execa } = await import('execa')
      scope.signal.throwIfAborted()
      const subprocess = execa(command[0], command.slice(1), {
        ...(call.cwd === undefined ? {} : { cwd: call.cwd }),
        env: { ...childEnvironment(process.env, call.env ?? {}), ...tags },
        extendEnv: false,
        detached: true,
        buffer: false,
        reject: false,
        stripFinalNewline: false,
        forceKillAfterDelay: false,
        verbose: 'none',
        stdin: call.stdin === undefined || call.stdin === 'none' ? 'ignore' : 'pipe',
        stdout:
          !isStream(stdout) && typeof stdout === 'object' && 'fd' in stdout ? descriptor(stdout.fd) : 'pipe',
        stderr: 'pipe',
      })
      const ended = await supervise(subprocess, { ...call, stdout }, scope)
      return { ...ended, milliseconds: Math.round(systemClock.monotonic() - began) }
    }),

  async daemon(call, files) {
    const command = await resolveProgram(call.argv, call.cwd)
    const log = await open(files.log, 'a', 0o600)
    try {
      const { execa } = await import('execa')
      const subprocess = execa(command[0], command.slice(1), {
        ...(call.cwd === undefined ? {} : { cwd: call.cwd }),
        env: childEnvironment(process.env, call.env ?? {}),
        extendEnv: false,
        detached: true,
        cleanup: false,
        buffer: false,
        reject: false,
        verbose: 'none',
        stdin: 'ignore',
        stdout: descriptor(log.fd),
        stderr: descriptor(log.fd),
      })
      const { pid } = subprocess
      if (pid === undefined) {
        const { cause } = await subprocess
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

/** Execa passes any file descriptor to spawn(), but its types allow only a few. */
const descriptor = (fd: number): 3 => fd as 3
