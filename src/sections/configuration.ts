import { z } from 'zod'
import type { ServiceGroup } from '../drivers/services.ts'
import { section } from './parts/section.ts'
import { services, strict, text } from './parts/values.ts'

/** The env file that can be rolled back, and the services that run with it. */
export type Configuration = {
  readonly file: string
  readonly services: ServiceGroup
  /** Variables that must be set in the running containers; a trailing `*` matches any more letters. */
  readonly confirm: readonly string[]
}

export const configuration = section({
  about: 'The env file that `config-rollback` restores to an earlier version.',
  schema: strict({
    file: text.describe(
      'The env file, read as Docker Compose reads it. Its earlier versions are in git, or beside it as dated copies.',
    ),
    services: services.describe('Services of the stack that run with it; their containers are recreated.'),
    confirm: z
      .array(text)
      .min(1, 'expected at least one variable')
      .readonly()
      .default(['*'])
      .describe(
        'Variables that must be set in the running containers afterwards; a trailing `*` matches any suffix. The default is every variable that the file sets.',
      ),
  }),
  example: { file: '.env', services: ['api'], confirm: ['MODEL_*'] },
  resolve: ({ file, services: names, confirm }, { path, stack }): Configuration => ({
    file: path(file),
    services: { stack: stack(), names },
    confirm,
  }),
})
