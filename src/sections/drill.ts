import type { ServiceGroup } from '../drivers/services.ts'
import { section } from './parts/section.ts'
import { services, strict, text, texts, variables, words } from './parts/values.ts'

/** How a full drill is carried out on the live system. */
export type Drill = {
  /** The services that run on the live data folder, and from the release. */
  readonly services: ServiceGroup
  /** The folder that they run from: what a release bundle has at its top replaces what has the same name there. */
  readonly into: string
  /** Names in it that no bundle replaces. */
  readonly keep: readonly string[]
  /** Asks the service from outside whether it does its work, run in that folder; exit code 0 means that it does. */
  readonly smoke: readonly string[]
  readonly environment: { readonly [name: string]: string }
}

export const drill = section({
  about:
    'How the quarterly drill runs the live service on its latest archive and bundle, and puts everything back.',
  schema: strict({
    services: services.describe(
      'Services of the stack that run on `data.source`; stopped while it is exchanged.',
    ),
    into: text.describe('Folder that they run from, into which a release bundle is put.'),
    keep: texts.default(['.env', '.git']).describe('Names in that folder that no bundle replaces.'),
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
