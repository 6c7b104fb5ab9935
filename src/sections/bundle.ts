import type { BackupPlace } from '../drivers/backups.ts'
import { placeOf, placeShape } from './parts/place.ts'
import { section } from './parts/section.ts'
import { strict, variables, words } from './parts/values.ts'

export type Bundle = {
  readonly place: BackupPlace
  /**
   * Program and arguments that install production dependencies, run in the folder of the extracted bundle.
   */
  readonly install: readonly string[]
  /**
   * Program and arguments that start it with its dry-run switch; exit code 0 means that it starts. Null if it
   * has none: whether it starts is not tested.
   */
  readonly dryRun: readonly string[] | null
  readonly environment: { readonly [name: string]: string }
}

export const bundle = section({
  about: 'Where release bundles arrive, and how one is proven to start without going live.',
  schema: strict({
    ...placeShape,
    install: words.describe(
      'Installs production dependencies in the folder of the extracted bundle: a program and its arguments.',
    ),
    dryRun: words
      .optional()
      .describe(
        'Starts the extracted bundle with its dry-run switch, without going live; exit code 0 means that it starts.',
      )
      .meta({ otherwise: 'whether it starts is not tested, which `monthly-spot-restore` reports' }),
    environment: variables.default({}).describe('Variables for both commands.'),
  }),
  example: {
    directory: './releases',
    pattern: 'shop-v*-{time}.tar.gz',
    maxAge: '40d',
    install: ['npm', 'ci', '--omit=dev'],
    dryRun: ['npm', 'start', '--', '--dry-run'],
  },
  resolve: ({ install, dryRun, environment, ...raw }, context): Bundle => ({
    place: placeOf(raw, context),
    install,
    dryRun: dryRun ?? null,
    environment,
  }),
})
