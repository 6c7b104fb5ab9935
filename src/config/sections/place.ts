import type { z } from 'zod'
import type { BackupPlace } from '../../drivers/backups.ts'
import { absolute, type BasePaths } from '../base-paths.ts'
import type { Duration, Size } from '../quantities.ts'
import { duration, oneOf, size, strict, text } from '../values.ts'

export type PlaceConfig = {
  readonly directory: string
  /** `*` is any text without `/`; `{time}` is the moment it was taken. */
  readonly pattern: string
  /** Default 26 hours: a nightly backup, and two hours to make it. */
  readonly maxAge?: Duration
  /** Default 1. */
  readonly minBytes?: Size
  /** Default `required`. */
  readonly checksums?: 'required' | 'if-present'
}

/** For sections that are a place and more. */
export const placeShape = {
  directory: text,
  pattern: text,
  maxAge: duration.default(26 * 3600),
  minBytes: size.default(1),
  checksums: oneOf('required', 'if-present').default('required'),
}

export const placeSchema = strict(placeShape)

export function placeOf(raw: z.output<typeof placeSchema>, bearings: BasePaths): BackupPlace {
  return {
    directory: absolute(raw.directory, bearings),
    pattern: raw.pattern,
    maxAgeSeconds: raw.maxAge,
    minBytes: raw.minBytes,
    checksums: raw.checksums,
  }
}
