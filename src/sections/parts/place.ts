import type { z } from 'zod'
import type { BackupPlace } from '../../drivers/backups.ts'
import type { SectionContext } from './section.ts'
import { duration, oneOf, size, strict, text, texts } from './values.ts'

/** Settings of a backup place, for sections that have more settings. */
export const placeShape = {
  directory: text.describe('Folder in which the files arrive. Folders of dates below it are searched too.'),
  pattern: text.describe(
    'File name pattern: `*` is any text without `/`, `{time}` is the time at which the file was created. A date alone stands for all of its day: the first moment counts for the age, the last for `--bad-since`. Without `{time}` the modification time counts.',
  ),
  maxAge: duration
    .prefault('26h')
    .describe(
      'Largest age of the newest file; preflight refuses an older one. The default fits a nightly job that takes up to two hours.',
    ),
  minBytes: size.default(1).describe('Smallest plausible size; a smaller file is refused as incomplete.'),
  require: oneOf('signed')
    .optional()
    .describe(
      '`signed` refuses a file without a signed manifest (`FILE.manifest.json`), whatever checksum it has. An existing manifest must verify either way.',
    )
    .meta({ otherwise: 'a checksum is enough' }),
  alsoFrom: texts
    .optional()
    .describe(
      "Systems besides the target's own whose backups are accepted, as their manifests name them (`source.system`): a former server, or production for a staging target.",
    )
    .meta({ otherwise: "a manifest must be of the target's own system" }),
  checksums: oneOf('required', 'if-present')
    .default('required')
    .describe(
      '`required` refuses a file without a SHA-256 beside it (`FILE.sha256`, the lock file of a bundle, `SHA256SUMS` or `CHECKSUMS`); `if-present` accepts it. An existing checksum must match either way.',
    ),
}

export const place = strict(placeShape)

export const placeOf = (
  { directory, pattern, maxAge, minBytes, checksums, require, alsoFrom }: z.output<typeof place>,
  { path }: SectionContext,
): BackupPlace => ({
  directory: path(directory),
  pattern,
  maxAgeSeconds: maxAge,
  minBytes,
  checksums,
  ...(require === undefined ? {} : { require }),
  ...(alsoFrom === undefined ? {} : { alsoFrom }),
})
