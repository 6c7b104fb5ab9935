import { isAbsolute, join, resolve } from 'node:path'
import type { SecretHandle } from '../../drivers/secrets.ts'

/** The folder where relative paths start, the home folder for `~`, and the host name of this machine. */
export type BasePaths = {
  readonly directory: string
  readonly home: string
  readonly host: string
  /** The state folder of this program; left out, its default below the home folder. */
  readonly state?: string
  /** Project names in Compose files and env files, by absolute path, where a stack needs them. */
  readonly projectNames?: ReadonlyMap<string, string>
}

/**
 * Makes a path absolute: `~` is the home folder, and a relative path starts at the configuration's folder.
 */
export function absolute(given: string, { directory, home }: Pick<BasePaths, 'directory' | 'home'>): string {
  if (given === '~' || given.startsWith('~/')) return join(home, given.slice(1))
  return isAbsolute(given) ? resolve(given) : resolve(directory, given)
}

/** Makes the path of a file secret absolute, so that the current folder does not matter. */
export function handleOf(handle: SecretHandle, basePaths: BasePaths): SecretHandle {
  return 'file' in handle.from ? { ...handle, from: { file: absolute(handle.from.file, basePaths) } } : handle
}
