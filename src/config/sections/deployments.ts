import type { z } from 'zod'
import type { Stack } from '../../drivers/services.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Deployments, ImageLine } from '../../model/sections/deployments.ts'
import { absolute, type BasePaths } from '../base-paths.ts'
import { strict, text } from '../values.ts'

export type DeploymentsConfig = {
  /** The file with a line a deployment: `DATE | VERSION | GIT_SHA | DEPLOYED_BY | STATUS`. */
  readonly history: string
}

/** Releases are picked by the image line of a Compose file. */
export type ImageLineConfig = {
  /** The service of the stack whose image is the version. */
  readonly service: string
  /** The Compose file in which its image line stands. Default: the only one of the stack. */
  readonly file?: string
}

export const deploymentsSchema = strict({ history: text })
export const imageLineSchema = strict({ service: text, file: text.optional() })

export const deploymentsOf = (
  { history }: z.output<typeof deploymentsSchema>,
  bearings: BasePaths,
): Deployments => ({ history: absolute(history, bearings) })

/** @throws RunbookError `usage` where it is not clear which file has the image line, or Compose would not read it */
export function imageLineOf(
  raw: z.output<typeof imageLineSchema>,
  stack: Stack,
  bearings: BasePaths,
): ImageLine {
  const read = stack.kind === 'compose' ? stack.files : []
  const file = raw.file === undefined ? read[0] : absolute(raw.file, bearings)
  if (file === undefined || (raw.file === undefined && read.length > 1)) {
    throw new RunbookError('usage', `imageLine.file is missing: the stack has ${read.length} Compose files`, {
      hint: `name the one that has the image of ${raw.service}`,
    })
  }
  if (!read.includes(file)) {
    throw new RunbookError(
      'usage',
      `imageLine.file is ${file}, which is none of stack.files, so Compose would never read it`,
      { hint: `stack.files are ${read.join(', ') || 'empty'}` },
    )
  }
  return { services: { stack, names: [raw.service] }, file }
}
