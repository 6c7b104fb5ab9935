import { readFile } from 'node:fs/promises'
import type { MountFacts } from '../../drivers/files.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import type { Shell } from '../process/shell.ts'
import { mountOf } from './mounts.ts'
import { systemCode } from './errors.ts'

/**
 * Asks a file system how it is, by programs that can be given up: a system call on a dead network mount may never come back, and a
 * thread of our own in it would keep this process from ending.
 */
export async function askMount(
  path: string,
  timeoutSeconds: number,
  { shell, scope }: { readonly shell: Pick<Shell, 'run'>; readonly scope: Scope },
): Promise<MountFacts> {
  const late = AbortSignal.timeout(timeoutSeconds * 1000)
  const signal = AbortSignal.any([scope.signal, late])
  const ask = async (argv: readonly string[]): Promise<string> => {
    const quiet = { ...scope, signal, output: () => undefined }
    const { exitCode, stdout, stderrTail } = await shell.run(
      { argv, env: { LC_ALL: 'C' }, stdout: { text: 64 * 1024 }, graceMilliseconds: 500 },
      quiet,
    )
    if (exitCode === 0) return stdout.replace(/\n$/, '')
    const [why = ''] = stderrTail.trim().split('\n').slice(-1)
    throw new RunbookError(
      'failed',
      `could not look at the file system of ${shellWord(path)}: ${why === '' ? 'nothing is there' : why}`,
      { hint: `look: findmnt -T ${shellWord(path)}` },
    )
  }
  try {
    // As the system sees it: mount points are not known by way of a link.
    const real = await ask(['readlink', '-e', '--', path])
    const mount = mountOf(real, await mountinfo())
    if (mount === undefined)
      throw new RunbookError('failed', `nothing is known to be mounted at or above ${shellWord(path)}`, {
        hint: 'look: cat /proc/self/mountinfo',
      })
    const device = Number(await ask(['stat', '-c', '%d', '--', mount.point]))
    const [block = 0, total = 0, free = 0] = (await ask(['stat', '-f', '-c', '%S %b %a', '--', mount.point]))
      .split(' ')
      .map(Number)
    return { ...mount, device, bytesTotal: block * total, bytesFree: block * free }
  } catch (thrown) {
    if (!late.aborted || scope.signal.aborted) throw thrown
    throw new RunbookError(
      'failed',
      `the file system of ${shellWord(path)} did not answer within ${timeoutSeconds} s`,
      {
        hint: `its mount is dead, or what serves it: look without touching it (grep -F ${shellWord(path)} /proc/self/mountinfo), then umount -l and mount it again`,
      },
    )
  }
}

async function mountinfo(): Promise<string> {
  return readFile('/proc/self/mountinfo', 'utf8').catch((cause: unknown) => {
    throw new RunbookError('failed', `could not read what is mounted (${systemCode(cause)})`, {
      cause,
      hint: 'mounts are looked up on Linux only',
    })
  })
}
