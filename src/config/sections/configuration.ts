import { z } from 'zod'
import type { Stack } from '../../drivers/services.ts'
import type { Configuration } from '../../model/sections/configuration.ts'
import { absolute, type BasePaths } from '../base-paths.ts'
import { strict, text } from '../values.ts'

export type ConfigurationConfig = {
  /** The env file. Its earlier versions are in git, or lie beside it as dated copies. */
  readonly file: string
  /** Services of the stack that run with it: they are made anew. */
  readonly services: readonly string[]
  /** Variables that must be seen inside what runs. A `*` at the end stands for any more letters. Default: all that the file sets. */
  readonly confirm?: readonly string[]
}

export const configurationSchema = strict({
  file: text,
  services: z.array(text).min(1, 'expected at least one service').readonly(),
  confirm: z.array(text).min(1, 'expected at least one variable').readonly().default(['*']),
})

export function configurationOf(
  { file, services, confirm }: z.output<typeof configurationSchema>,
  stack: Stack,
  bearings: BasePaths,
): Configuration {
  return { file: absolute(file, bearings), services: { stack, names: services }, confirm }
}
