import { dirname } from 'node:path'
import { makeFolders } from '../disk/make-folders.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Timers } from '../../drivers/timers.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { timersIn, withoutTimers, withTimers } from '../../formats/crontab.ts'
import type { Shell } from '../process/shell.ts'

const most = 1 << 20

/** Timers in the crontab of this account, two lines each. */
export function cronTimers({
  shell,
  scope,
}: {
  readonly shell: Pick<Shell, 'run'>
  readonly scope: Scope
}): Timers {
  const read = async (): Promise<string> => {
    const { exitCode, stdout, stderrTail } = await shell.run(
      { argv: ['crontab', '-l'], env: { LC_ALL: 'C' }, stdout: { text: most } },
      scope,
    )
    if (exitCode === 0) return stdout
    // An account without a crontab; any other failure must not replace one that could not be read.
    if (/no crontab for /.test(stderrTail)) return ''
    throw new RunbookError('failed', `cannot read the crontab: ${stderrTail.trim()}`, {
      hint: 'check: crontab -l',
    })
  }
  const write = async (text: string): Promise<void> => {
    const { exitCode, stderrTail } = await shell.run({ argv: ['crontab', '-'], stdin: text }, scope)
    if (exitCode === 0) return
    throw new RunbookError('failed', `cannot write the crontab, which is unchanged: ${stderrTail.trim()}`, {
      hint: 'check: crontab -l',
    })
  }
  return {
    kind: 'cron',
    installed: async (prefix) =>
      timersIn(await read())
        .filter((name) => name.startsWith(prefix))
        .sort()
        .map((name) => ({ name, where: 'crontab', active: null })),
    async install(timers) {
      for (const { log } of timers) await makeFolders(dirname(log), 0o700)
      await write(withTimers(await read(), timers))
    },
    async remove(names) {
      const before = await read()
      const after = withoutTimers(before, names)
      if (after !== before) await write(after)
    },
  }
}
