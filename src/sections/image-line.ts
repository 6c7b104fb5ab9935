import type { ServiceGroup } from '../drivers/services.ts'
import { RunbookError } from '../kernel/errors.ts'
import { section } from './parts/section.ts'
import { strict, text } from './parts/values.ts'

/** Releases that are chosen by the image line of a Compose file. */
export type ImageLine = {
  /** The one service whose image is the version. */
  readonly services: ServiceGroup
  /** The Compose file of the stack that has its image line. */
  readonly file: string
}

export const imageLine = section({
  about:
    'Releases that are chosen by the `image:` line of a Compose file. An alternative to `version` and `releaseFolders`.',
  schema: strict({
    service: text.describe('The service of the stack whose image is the version.'),
    file: text
      .optional()
      .describe('The Compose file that has its image line, one of `stack.files`.')
      .meta({ otherwise: 'the only file of the stack' }),
  }),
  example: { service: 'api' },
  resolve: (raw, context): ImageLine => {
    const stack = context.stack()
    const read = stack.kind === 'compose' ? stack.files : []
    const file = raw.file === undefined ? read[0] : context.path(raw.file)
    if (file === undefined || (raw.file === undefined && read.length > 1)) {
      throw new RunbookError(
        'usage',
        `imageLine.file is not set, and the stack has ${read.length} Compose files`,
        { hint: `set it to the one with the image of ${raw.service}` },
      )
    }
    if (!read.includes(file)) {
      throw new RunbookError(
        'usage',
        `imageLine.file is ${file}, which is not one of stack.files, so Compose would not read it`,
        { hint: `stack.files are ${read.join(', ') || 'empty'}` },
      )
    }
    return { services: { stack, names: [raw.service] }, file }
  },
})
