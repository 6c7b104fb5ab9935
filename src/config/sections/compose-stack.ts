import { dirname } from 'node:path'
import { z } from 'zod'
import type { ComposeStack } from '../../drivers/services.ts'
import { absolute, type BasePaths } from '../base-paths.ts'
import { strict, text, texts, variables } from '../values.ts'

export type ComposeStackConfig = {
  readonly kind: 'compose'
  readonly project: string
  /** Default: the folder of the first file, as for `docker compose` itself. */
  readonly directory?: string
  /** Default `['compose.yml']`. */
  readonly files?: readonly string[]
  readonly envFiles?: readonly string[]
  readonly profiles?: readonly string[]
  readonly environment?: { readonly [name: string]: string }
}

export const composeStackSchema = strict({
  kind: z.literal('compose'),
  project: text,
  directory: text.optional(),
  files: z.array(text).min(1, 'expected at least one file').readonly().default(['compose.yml']),
  envFiles: texts.default([]),
  profiles: texts.default([]),
  environment: variables.default({}),
})

export function composeStackOf(raw: z.output<typeof composeStackSchema>, bearings: BasePaths): ComposeStack {
  const path = (given: string): string => absolute(given, bearings)
  const files = raw.files.map(path)
  const directory =
    raw.directory === undefined ? dirname(files[0] ?? bearings.directory) : path(raw.directory)
  return { ...raw, directory, files, envFiles: raw.envFiles.map(path) }
}
