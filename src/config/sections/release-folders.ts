import { posix } from 'node:path'
import type { z } from 'zod'
import type { Stack } from '../../drivers/services.ts'
import type { ReleaseFolders } from '../../model/sections/release-folders.ts'
import { absolute, type BasePaths } from '../base-paths.ts'
import { strict, text } from '../values.ts'

/** Releases that lie side by side in folders, for a team that deploys by letting a link lead to another one. */
export type ReleaseFoldersConfig = {
  /** The link, as `/srv/shop/current`. The stack's files name what they mount by way of it. */
  readonly link: string
  /** Default: the folder `releases` beside the link. */
  readonly directory?: string
  /**
   * A file that differs from one release to the next, from a release's folder, and where a service sees it. After the link was changed a
   * container goes on with the folder that it was started with, so this is what tells which release runs.
   */
  readonly proof: { readonly service: string; readonly file: string; readonly inside: string }
}

const within = text.refine(
  (path) => !path.startsWith('/') && !path.split('/').includes('..'),
  "expected a path from a release's folder",
)

export const releaseFoldersSchema = strict({
  link: text,
  directory: text.optional(),
  proof: strict({ service: text, file: within, inside: text.startsWith('/', 'expected an absolute path') }),
})

export function releaseFoldersOf(
  { link, directory, proof: { service, ...proof } }: z.output<typeof releaseFoldersSchema>,
  stack: Stack,
  bearings: BasePaths,
): ReleaseFolders {
  const at = absolute(link, bearings)
  return {
    link: at,
    directory:
      directory === undefined ? posix.join(posix.dirname(at), 'releases') : absolute(directory, bearings),
    proof: { ...proof, services: { stack, names: [service] } },
  }
}
