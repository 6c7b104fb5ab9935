import { posix } from 'node:path'
import type { ServiceGroup } from '../drivers/services.ts'
import { section } from './parts/section.ts'
import { strict, text } from './parts/values.ts'

/** Releases in folders side by side, with a link to the live one. */
export type ReleaseFolders = {
  /** The link to the live release; the stack's mounts go through it. */
  readonly link: string
  /** The folder that holds the release folders. */
  readonly directory: string
  /**
   * A file that differs between releases, in the release folder and as a service sees it: it shows which
   * release a container runs.
   */
  readonly proof: { readonly file: string; readonly services: ServiceGroup; readonly inside: string }
}

const within = text.refine(
  (path) => !path.startsWith('/') && !path.split('/').includes('..'),
  "expected a path from a release's folder",
)

export const releaseFolders = section({
  about:
    'Releases that are deployed by pointing a link at a folder. An alternative to `version` and `imageLine`.',
  schema: strict({
    link: text.describe(
      "The link to the live release, such as `/srv/shop/current`. The stack's mounts go through it.",
    ),
    directory: text
      .optional()
      .describe('Folder that contains the release folders.')
      .meta({ otherwise: '`releases` beside the link' }),
    proof: strict({
      service: text.describe('Service that has the file mounted.'),
      file: within.describe("Path of the file from a release's folder."),
      inside: text
        .startsWith('/', 'expected an absolute path')
        .describe('Path of the same file in the container.'),
    }).describe(
      'A file that differs from one release to the next. After the link changed, a container keeps the folder that it was started with, so only this file shows which release is running.',
    ),
  }),
  example: {
    link: '/srv/shop/current',
    proof: { service: 'api', file: 'VERSION', inside: '/app/VERSION' },
  },
  resolve: ({ link, directory, proof: { service, ...proof } }, { path, stack }): ReleaseFolders => {
    const at = path(link)
    return {
      link: at,
      directory: directory === undefined ? posix.join(posix.dirname(at), 'releases') : path(directory),
      proof: { ...proof, services: { stack: stack(), names: [service] } },
    }
  },
})
