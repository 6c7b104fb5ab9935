import { isAbsolute, join, resolve } from 'node:path'
import type { SecretHandle } from '../../drivers/secrets.ts'

/** Where relative paths start, what `~` is, and what this machine is called. */
export type Bearings = { readonly directory: string; readonly home: string; readonly host: string }

/** `~` is the home folder; what is not absolute starts at the configuration's folder. */
export function absolute(given: string, { directory, home }: Pick<Bearings, 'directory' | 'home'>): string {
  if (given === '~' || given.startsWith('~/')) return join(home, given.slice(1))
  return isAbsolute(given) ? resolve(given) : resolve(directory, given)
}

/** A secret that is kept in a file is found from wherever the command is typed. */
export function handleOf(handle: SecretHandle, bearings: Bearings): SecretHandle {
  return 'file' in handle.from ? { ...handle, from: { file: absolute(handle.from.file, bearings) } } : handle
}
