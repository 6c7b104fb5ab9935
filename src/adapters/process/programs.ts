import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'

export type Argv = readonly [string, ...string[]]

/** The absolute path that a name stands for on PATH, or null. Relative entries of PATH count for nothing: they change with the folder. */
export async function which(program: string, folder = process.cwd()): Promise<string | null> {
  if (program.includes('/')) {
    const path = resolve(folder, program)
    return (await isProgram(path)) ? path : null
  }
  for (const place of (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute)) {
    const path = join(place, program)
    if (await isProgram(path)) return path
  }
  return null
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

/** The same call with the program's absolute path, so that what is missing is named before anything starts. */
export async function mustExist(argv: readonly string[], folder: string | undefined): Promise<Argv> {
  const [program, ...rest] = argv
  if (program === undefined || program === '') throw new RunbookError('usage', 'a command without a program')
  if (folder !== undefined && !(await isFolder(folder))) {
    throw new RunbookError('preflight', `${program} was to run in ${folder}, which is no folder`, {
      hint: `mkdir -p ${folder}`,
    })
  }
  const path = await which(program, folder)
  if (path === null) {
    throw new RunbookError('preflight', `the program ${program} is not installed, or not on PATH`, {
      hint: program.includes('/') ? `ls -l ${program}` : `install ${program}, or add its folder to PATH`,
    })
  }
  return [path, ...rest]
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  )
}

/** Wraps a call so that the kernel kills the program when we die. The wrapper becomes the program: same pid, same start time. */
export async function endWithUs(argv: Argv): Promise<Argv> {
  const setpriv = await (wrapper ??= findWrapper())
  return setpriv === null ? argv : [setpriv, '--pdeathsig', 'KILL', '--', ...argv]
}

let wrapper: Promise<string | null> | undefined

/** util-linux since 2.33; the setpriv of BusyBox lacks the option, so it is tried and not trusted. */
async function findWrapper(): Promise<string | null> {
  if (process.platform !== 'linux') return null
  const path = await which('setpriv')
  if (path === null) return null
  const { execa } = await import('execa')
  const tried = await execa(path, ['--pdeathsig', 'KILL', '--', path, '--help'], {
    reject: false,
    stdin: 'ignore',
    verbose: 'none',
    timeout: 5_000,
    extendEnv: false,
  })
  return tried.exitCode === 0 ? path : null
}
