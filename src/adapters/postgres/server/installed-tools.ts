import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RunbookError } from '../../../kernel/errors.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Shell } from '../../process/shell.ts'
import { majorOf } from '../archive/archive-header.ts'
import type { Program } from './server.ts'

/** A folder of client programs of one version. */
export type ToolSet = { readonly folder: string; readonly version: string }

/** Where packages install one folder per major version: Debian, Red Hat, Homebrew on ARM and Intel. */
const places = [
  { parent: '/usr/lib/postgresql', names: /^\d+$/ },
  { parent: '/usr', names: /^pgsql-\d+$/ },
  { parent: '/opt/homebrew/opt', names: /^(libpq|postgresql@\d+)$/ },
  { parent: '/usr/local/opt', names: /^(libpq|postgresql@\d+)$/ },
]

/** The tool sets installed on this machine, with their versions. */
export async function installedTools(shell: Shell, scope: Scope): Promise<readonly ToolSet[]> {
  const folders = new Set<string>()
  for (const { parent, names } of places) {
    const found = await readdir(parent).catch(() => [])
    for (const name of found.filter((name) => names.test(name))) folders.add(join(parent, name, 'bin'))
  }
  // Debian's /usr/bin/pg_dump is a wrapper that picks a version itself, so PATH comes last.
  const onPath = await shell.which('pg_dump')
  if (onPath !== null) folders.add(dirname(onPath))
  const sets = await Promise.all([...folders].map((folder) => askVersion(folder, shell, scope)))
  return sets.filter((set) => set !== null)
}

async function askVersion(folder: string, shell: Shell, scope: Scope): Promise<ToolSet | null> {
  const program = join(folder, 'pg_dump')
  if ((await shell.which(program)) === null) return null
  const { exitCode, stdout } = await shell.run(
    { argv: [program, '--version'], stdout: { text: 4096 } },
    scope,
  )
  return exitCode === 0 ? { folder, version: toolVersion(stdout) } : null
}

/**
 * Prefers the server's major version: an older pg_dump refuses the server, and a newer pg_restore may set
 * parameters the server does not know. Second choice is the next newer one; with `major` null, the newest.
 * @throws RunbookError `preflight` if all are older, or none is installed
 */
export function toolFor(
  program: Program,
  installed: readonly ToolSet[],
  major: number | null,
): { readonly path: string; readonly version: string } {
  const sorted = installed.toSorted((one, other) =>
    one.version.localeCompare(other.version, 'en', { numeric: true }),
  )
  const set =
    major === null
      ? sorted.at(-1)
      : (sorted.findLast(({ version }) => majorOf(version) === major) ??
        sorted.find(({ version }) => majorOf(version) > major))
  if (set !== undefined) return { path: join(set.folder, program), version: set.version }
  if (major === null) {
    throw new RunbookError('preflight', 'PostgreSQL client programs are not installed on this machine', {
      hint: 'install postgresql-client',
    })
  }
  const have = sorted.map(({ version }) => version).join(', ')
  throw new RunbookError(
    'preflight',
    `${program} is older than the server: PostgreSQL ${major} required, installed: ${have || 'none'}`,
    {
      hint: `install postgresql-client-${major}`,
    },
  )
}

/** `17.11` of `pg_dump (PostgreSQL) 17.11 (Debian 17.11-0+deb13u1)`; `0` if the text names no version. */
export const toolVersion = (text: string): string => /\(PostgreSQL\) (\S+)/.exec(text)?.[1] ?? '0'
