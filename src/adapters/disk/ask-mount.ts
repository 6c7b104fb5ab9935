import { readFile } from 'node:fs/promises'
import type { MountFacts } from '../../drivers/files.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import type { Shell } from '../process/shell.ts'
import { mountOf } from './mounts.ts'
import { systemCode } from './errors.ts'

/**
 * Queries a file system through programs that can be killed: a system call on a dead network mount may never
 * return, and a thread of ours blocked in it would keep this process from exiting.
 */
export async function askMount(
  path: string,
  timeoutSeconds: number,
  { shell, scope }: { readonly shell: Pick<Shell, 'run'>; readonly scope: Scope },
): Promise<MountFacts> {
  return withinTime(path, timeoutSeconds, { shell, scope }, async (run) => {
    const ask = async (argv: readonly string[]): Promise<string> => {
      const { answer, why } = await run(argv)
      if (answer !== null) return answer
      throw cannot('read the file system of', shellWord(path), why === '' ? 'no such file or folder' : why, {
        code: 'failed',
        hint: `check: findmnt -T ${shellWord(path)}`,
      })
    }
    // Resolve links: mount points are listed by their real path.
    const real = await ask(['readlink', '-e', '--', path])
    const mount = mountOf(real, await mountinfo())
    if (mount === undefined)
      throw new RunbookError('failed', `no mount found at or above ${shellWord(path)}`, {
        hint: 'check: cat /proc/self/mountinfo',
      })
    const device = Number(await ask(['stat', '-c', '%d', '--', mount.point]))
    const [block = 0, total = 0, free = 0] = (await ask(['stat', '-f', '-c', '%S %b %a', '--', mount.point]))
      .split(' ')
      .map(Number)
    return { ...mount, device, bytesTotal: block * total, bytesFree: block * free }
  })
}

/** Resolves every link in a path, also where nothing exists at its end. */
export async function askRealPath(
  path: string,
  timeoutSeconds: number,
  by: { readonly shell: Pick<Shell, 'run'>; readonly scope: Scope },
): Promise<string> {
  return withinTime(path, timeoutSeconds, by, async (run) => {
    const there = await run(['readlink', '-v', '-e', '--', path])
    if (there.answer !== null) return there.answer
    // Only what is missing may be passed over: -m would also take a folder that may not be read for a missing one.
    const led = /: (?:No such file or directory|Not a directory)$/.test(there.why)
      ? await run(['readlink', '-v', '-m', '--', path])
      : there
    if (led.answer !== null) return led.answer
    throw cannot('resolve the links in', shellWord(path), led.why, {
      code: 'failed',
      hint: `check: namei -l ${shellWord(path)}`,
    })
  })
}

type Run = (argv: readonly string[]) => Promise<{ readonly answer: string | null; readonly why: string }>

async function withinTime<T>(
  path: string,
  timeoutSeconds: number,
  { shell, scope }: { readonly shell: Pick<Shell, 'run'>; readonly scope: Scope },
  asking: (run: Run) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(timeoutSeconds * 1000)
  const signal = AbortSignal.any([scope.signal, timeout])
  const run: Run = async (argv) => {
    const quiet = { ...scope, signal, output: () => undefined }
    const { exitCode, stdout, stderrTail } = await shell.run(
      { argv, env: { LC_ALL: 'C' }, stdout: { text: 64 * 1024 }, graceMilliseconds: 500 },
      quiet,
    )
    const [why = ''] = stderrTail.trim().split('\n').slice(-1)
    return { answer: exitCode === 0 ? stdout.replace(/\n$/, '') : null, why }
  }
  try {
    return await asking(run)
  } catch (thrown) {
    if (!timeout.aborted || scope.signal.aborted) throw thrown
    throw new RunbookError(
      'failed',
      `the file system of ${shellWord(path)} did not answer within ${timeoutSeconds} s`,
      {
        hint: `its mount or server is dead; check without accessing it (grep -F ${shellWord(path)} /proc/self/mountinfo), then umount -l and mount it again`,
      },
    )
  }
}

async function mountinfo(): Promise<string> {
  return readFile('/proc/self/mountinfo', 'utf8').catch((cause: unknown) => {
    throw cannot('read', '/proc/self/mountinfo', systemCode(cause), {
      code: 'failed',
      cause,
      hint: 'mounts are supported on Linux only',
    })
  })
}
