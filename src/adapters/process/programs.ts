import { shellWord } from '../../kernel/shell-quote.ts'
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { cannot } from '../../kernel/errors.ts'

export type Argv = readonly [string, ...string[]]

/**
 * The absolute path of a program on PATH, or null. Relative entries of PATH are ignored: they depend on the
 * folder.
 */
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

/**
 * The same call with the program's absolute path, so that a missing program or folder is named before
 * anything starts.
 */
export async function resolveProgram(argv: readonly string[], folder: string | undefined): Promise<Argv> {
  const [program, ...rest] = argv
  if (program === undefined || program === '')
    throw cannot('run', 'a command', 'no program given', { code: 'usage' })
  if (folder !== undefined && !(await isFolder(folder))) {
    throw cannot('run', `${program} in ${folder}`, 'no such folder', {
      code: 'preflight',
      hint: `mkdir -p ${shellWord(folder)}`,
    })
  }
  const path = await which(program, folder)
  if (path === null) {
    const given = program.includes('/')
    throw cannot('run', program, given ? 'no such executable file' : 'not installed, or not on PATH', {
      code: 'preflight',
      hint: given ? `check: ls -l ${shellWord(program)}` : `install ${program}, or add its folder to PATH`,
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

/**
 * Wraps a call so that the kernel kills the program when this process dies; pid and start time stay the same.
 */
export async function dieWithParent(argv: Argv): Promise<Argv> {
  const setpriv = await (wrapper ??= findWrapper())
  return setpriv === null ? argv : [setpriv, '--pdeathsig', 'KILL', '--', ...argv]
}

let wrapper: Promise<string | null> | undefined

/** util-linux has `--pdeathsig` since 2.33 and BusyBox lacks it, so it is tried first. */
async function findWrapper(): Promise<string | null> {
  if (process.platform !== 'linux') return null
  const path = await which('setpriv')
  if (path === null) return null
  const works = await promisify(execFile)(path, ['--pdeathsig', 'KILL', '--', path, '--help'], {
    timeout: 5_000,
    env: {},
  }).then(
    () => true,
    () => false,
  )
  return works ? path : null
}
