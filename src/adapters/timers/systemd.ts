import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { makeFolders } from '../disk/make-folders.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Timers } from '../../drivers/timers.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { staysIn, unitsOf } from '../../formats/systemd-unit.ts'
import { diskFiles } from '../disk/files.ts'
import type { Shell } from '../process/shell.ts'

/** A manager runs if and only if this folder exists (sd_booted(3)). */
export const systemdRuns = (): boolean => existsSync('/run/systemd/system')

type Environment = { readonly [name: string]: string | undefined }

/** Where units are defined: of the machine for root, of the account for others (systemd.unit(5), "Unit File Load Path"). */
export const unitFolder = (environment: Environment, uid: number): string =>
  uid === 0
    ? '/etc/systemd/system'
    : join(
        environment['XDG_CONFIG_HOME'] ?? join(environment['HOME'] ?? homedir(), '.config'),
        'systemd/user',
      )

export type SystemdPlace = {
  readonly shell: Pick<Shell, 'run'>
  readonly scope: Scope
  /** See `unitFolder`. */
  readonly folder: string
  /** Timers of this account, not of the machine. */
  readonly user: boolean
  readonly environment: Environment
}

/** Timers of systemd, as two unit files each. */
export function systemdTimers({ shell, scope, folder, user, environment }: SystemdPlace): Timers {
  /** `systemctl --user` finds the manager of the account by these. */
  const bus = Object.fromEntries(
    ['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'].flatMap((name) => {
      const value = environment[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const systemctl = (...args: readonly string[]) =>
    shell.run(
      { argv: ['systemctl', ...(user ? ['--user'] : []), ...args], env: bus, stdout: { text: 65_536 } },
      scope,
    )
  const must = async (...args: readonly string[]): Promise<void> => {
    const { exitCode, stderrTail } = await systemctl(...args)
    if (exitCode === 0) return
    throw new RunbookError('failed', `systemctl ${args.join(' ')} failed: ${stderrTail.trim()}`, {
      hint: user
        ? 'check: systemctl --user status; where no systemd runs for this account, use `--with cron`'
        : 'check: systemctl status',
    })
  }
  const timersIn = async (): Promise<readonly string[]> => {
    try {
      return (await readdir(folder)).flatMap((file) => (file.endsWith('.timer') ? [file.slice(0, -6)] : []))
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw thrown
    }
  }
  return {
    kind: 'systemd',
    async installed(prefix) {
      const found = []
      for (const name of (await timersIn()).filter((one) => one.startsWith(prefix)).sort()) {
        const { exitCode } = await systemctl('is-active', '--quiet', `${name}.timer`)
        found.push({ name, where: join(folder, `${name}.timer`), active: exitCode === 0 })
      }
      return found
    },
    async install(timers) {
      const units = timers.flatMap((timer) => [...unitsOf(timer)])
      await makeFolders(folder)
      for (const [file, text] of units) await diskFiles.write(join(folder, file), text, { mode: 0o644 })
      await must('daemon-reload')
      for (const { name, every } of timers) {
        await must('enable', '--now', `${name}.timer`)
        // One that stays runs with its old definition until then; it may have to finish what it does first.
        if (every === 'minute') await must('restart', '--no-block', `${name}.service`)
      }
    },
    async remove(names) {
      const there = (await timersIn()).filter((name) => names.includes(name))
      for (const name of there) {
        await must('disable', '--now', `${name}.timer`)
        const unit = await readFile(join(folder, `${name}.service`), 'utf8').catch(() => '')
        if (staysIn(unit)) await must('stop', '--no-block', `${name}.service`)
        for (const kind of ['timer', 'service']) await rm(join(folder, `${name}.${kind}`), { force: true })
      }
      if (there.length > 0) await must('daemon-reload')
    },
  }
}
