import { z } from 'zod'
import type { Stack } from '../../drivers/services.ts'
import type { Drill } from '../../model/sections/drill.ts'
import { absolute, type BasePaths } from '../base-paths.ts'
import { strict, text, texts, variables, words } from '../values.ts'

export type DrillConfig = {
  /** Services of the stack that run on `data.source`: stopped while it is exchanged. */
  readonly services: readonly string[]
  /** The folder that they run from, into which a release bundle is put. */
  readonly into: string
  /** Names in it that no bundle replaces. Default `.env` and `.git`. */
  readonly keep?: readonly string[]
  /** The smoke test: a program and its arguments, run in `into`. It must leave nothing behind. */
  readonly smoke: readonly string[]
  readonly environment?: { readonly [name: string]: string }
}

export const drillSchema = strict({
  services: z.array(text).min(1, 'expected at least one service').readonly(),
  into: text,
  keep: texts.default(['.env', '.git']),
  smoke: words,
  environment: variables.default({}),
})

export function drillOf(
  { services, into, ...rest }: z.output<typeof drillSchema>,
  stack: Stack,
  bearings: BasePaths,
): Drill {
  return { services: { stack, names: services }, into: absolute(into, bearings), ...rest }
}
