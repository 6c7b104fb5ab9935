import type { ServiceGroup } from '../drivers/services.ts'
import { section } from './parts/section.ts'
import { services, strict, text, texts, variables, words } from './parts/values.ts'

/** How a full drill runs on the live system. */
export type Drill = {
  /** The services that run on the live data folder and from the release. */
  readonly services: ServiceGroup
  /**
   * The folder that they run from; each top-level entry of a release bundle replaces the one of the same
   * name.
   */
  readonly into: string
  /** Names in `into` that no bundle replaces. */
  readonly keep: readonly string[]
  /** Program and arguments that test the service from outside, run in `into`; exit code 0 is a pass. */
  readonly smoke: readonly string[]
  readonly environment: { readonly [name: string]: string }
}

export const drill = section({
  about:
    'How the quarterly drill runs the live service on its latest archive and bundle, and puts everything back.',
  schema: strict({
    services: services.describe(
      'Services of the stack that run on `data.source`; stopped while it is replaced.',
    ),
    into: text.describe('Folder that they run from, into which a release bundle is unpacked.'),
    keep: texts
      .default(['.env', '.git'])
      .describe('Names in that folder that no bundle replaces; a list of your own replaces the default.'),
    smoke: words.describe(
      'Smoke test, run in `into`: a program and its arguments; exit code 0 is a pass. It must leave nothing behind.',
    ),
    environment: variables.default({}).describe('Variables for the smoke test.'),
  }),
  example: { services: ['api'], into: '.', smoke: ['npm', 'run', 'smoke'] },
  resolve: ({ services: names, into, ...rest }, { stack, path }): Drill => ({
    services: { stack: stack(), names },
    into: path(into),
    ...rest,
  }),
})
