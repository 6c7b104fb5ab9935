import { basename, join } from 'node:path'
import { z } from 'zod'
import type { BackupPlace } from '../drivers/backups.ts'
import type { SecretHandle } from '../drivers/secrets.ts'
import { RunbookError } from '../kernel/errors.ts'
import type { Json } from '../kernel/json.ts'
import { placeOf, placeShape } from './parts/place.ts'
import { section, type SectionContext } from './parts/section.ts'
import { duration, expectedValues, oneOf, secretHandle, size, strict, text, texts } from './parts/values.ts'

export type DataArchive = {
  readonly place: BackupPlace
  readonly passphrase: SecretHandle | null
  readonly keyFiles: readonly KeyFile[]
  /** How archives are made; missing where they come from elsewhere and are only restored. */
  readonly making?: DataMaking
}

export type KeyFile = {
  /**
   * Relative to the one folder that holds everything in the archive, or to its root without such a folder.
   */
  readonly path: string
  readonly parse: 'none' | 'json' | 'yaml' | 'toml' | 'sqlite'
  readonly minBytes: number
  /** Dotted paths in the parsed file, and the values expected there. */
  readonly expect: { readonly [path: string]: Json }
}

export type DataMaking = {
  /** The live folder; the one folder in the archive has the same name. */
  readonly source: string
  /** Start of the archive names: `codex-api` of `codex-api-20260203T041233Z.tar.gz`. */
  readonly name: string
  readonly exclude: readonly string[]
  /** The fewest members that an archive must have, including its one folder. */
  readonly minMembers: number
  /** Whether a file that changes while it is packed fails the backup or is only reported. */
  readonly whileChanging: 'refuse' | 'note'
  /** What `--encrypt` uses: gpg (symmetric, AES-256), or age, which needs an npm package. Both can be read. */
  readonly encryption: 'gpg' | 'age'
  /** Date folders for new archives; older ones are found in any layout. */
  readonly layout: 'YYYY/MM-DD' | 'YYYY-MM-DD' | 'flat'
  /** How many archives pruning keeps, including the new one. Null: it must be given each time. */
  readonly keep: number | null
  /** The most that all archives may take together. Bytes. */
  readonly quotaBytes: number | null
  readonly mount: DataMount | null
}

/**
 * The drive that must be mounted. Without this check backups would silently go to a folder on the wrong disk.
 */
export type DataMount = {
  readonly path: string
  /** A file on the drive, as an absolute path. */
  readonly sentinel: string | null
  /** A drive that does not answer within this time is considered dead. */
  readonly timeoutSeconds: number
}

const keyFile = strict({
  path: text.describe(
    'Path in the archive, relative to its single top-level folder; relative to the root if there is none.',
  ),
  parse: oneOf('none', 'json', 'yaml', 'toml', 'sqlite')
    .default('none')
    .describe('How the file is read to prove that it is intact; `none` checks only that it exists.'),
  minBytes: size.default(1).describe('Smallest plausible size.'),
  expect: expectedValues.default({}).describe('Dotted paths in the parsed file and their required values.'),
})

const mount = strict({
  path: text.describe('Mount point; `directory` must be on it.'),
  sentinel: text
    .optional()
    .describe('File that exists only while the drive is mounted, from `path`.')
    .meta({ otherwise: 'only the mount table is checked' }),
  timeout: duration
    .prefault('10s')
    .describe('A drive that does not answer within this time is considered dead.'),
})

const schema = strict({
  ...placeShape,
  passphrase: secretHandle
    .optional()
    .describe(
      'Passphrase of archives that end in `.gpg` or `.age`, and of those that `data-backup --encrypt` makes.',
    )
    .meta({ otherwise: 'encrypted archives are refused' }),
  keyFiles: z
    .array(keyFile)
    .readonly()
    .default([])
    .describe('Files that every archive must contain and that must be readable after a restore.'),
  source: text
    .optional()
    .describe(
      'The live folder that `data-backup` archives. Its name becomes that of the one folder in the archive, which is compressed with zstd, several times as fast, where `pattern` ends in `.tar.zst` or `.tar.zst*`, and else with gzip.',
    )
    .meta({ otherwise: 'archives come from elsewhere; they can be restored but not created' }),
  name: text
    .regex(/^[^/*{}]+$/, 'expected the start of a file name')
    .optional()
    .describe("Start of new archives' names.")
    .meta({ otherwise: '`pattern` up to its first `*` or `{time}`, without the hyphen' }),
  exclude: texts
    .default([])
    .describe(
      'What to exclude: a name (`*.log`) wherever it occurs, a pattern with a slash (`var/cache`) from the top.',
    ),
  minMembers: z
    .int()
    .min(1)
    .default(2)
    .describe(
      'Smallest plausible number of files and folders. The default is the folder and something in it.',
    ),
  whileChanging: oneOf('refuse', 'note')
    .default('refuse')
    .describe('Whether a file that changes while it is packed fails the backup, or is only reported.'),
  encryption: oneOf('gpg', 'age')
    .default('gpg')
    .describe(
      'What `data-backup --encrypt` encrypts with; `age` needs the npm package `age-encryption`, and no program.',
    ),
  layout: oneOf('YYYY/MM-DD', 'YYYY-MM-DD', 'flat')
    .default('YYYY/MM-DD')
    .describe('Folders of dates for new archives; older ones are found in any layout.'),
  keep: z
    .int()
    .min(1)
    .optional()
    .describe('Archives that `data-backup --prune` keeps, the new one included.')
    .meta({ otherwise: '`--keep` is required' }),
  quota: size
    .optional()
    .describe('Total size that the archives may reach; above 80 % there is a warning.')
    .meta({ otherwise: 'no limit' }),
  mount: mount
    .optional()
    .describe('The drive that contains `directory`. Backups are refused while it is not mounted.')
    .meta({ otherwise: 'no mount is checked' }),
})

export const data = section({
  about:
    'Archives of a data folder: where they arrive, how a restored one is proven, and, with `source`, how new ones are made.',
  schema,
  example: {
    directory: '/mnt/backup/shop',
    pattern: 'shop-files-{time}.tar.gz',
    keyFiles: [{ path: 'config.toml', parse: 'toml', expect: { name: 'shop' } }],
    source: './data',
    exclude: ['*.log'],
    quota: '50GB',
    mount: { path: '/mnt/backup', sentinel: '.mounted' },
  },
  resolve: (raw, context): DataArchive => {
    const archive = {
      place: placeOf(raw, context),
      passphrase: context.secret(raw.passphrase),
      keyFiles: raw.keyFiles,
    }
    return raw.source === undefined
      ? archive
      : { ...archive, making: makingOf(raw, raw.source, archive.place.directory, context) }
  },
})

/**
 * @throws RunbookError `usage` where archives would not be on the mounted drive, would be inside the live
 * folder, or have no name
 */
function makingOf(
  raw: z.output<typeof schema>,
  source: string,
  directory: string,
  context: SectionContext,
): DataMaking {
  const { exclude, minMembers, whileChanging, encryption, layout } = raw
  const name = raw.name ?? /^[^*{]*/.exec(raw.pattern)?.[0].replace(/[-_.]+$/, '')
  if (name === undefined || name === '')
    throw wrong(`data.pattern "${raw.pattern}" does not begin with a name for new archives`, 'set data.name')
  const path = raw.mount === undefined ? null : context.path(raw.mount.path)
  if (path !== null && directory !== path && !directory.startsWith(`${path}/`))
    throw wrong(
      `data.directory ${directory} is not in data.mount.path ${path}`,
      'set data.mount.path to its mount point',
    )
  const live = context.path(source)
  if (basename(live) === '')
    throw wrong('data.source is the root folder', 'set data.source to the live folder')
  if (directory === live || directory.startsWith(`${live}/`))
    throw wrong(
      `data.directory ${directory} is in data.source ${live}, so each backup would contain all others`,
      'set data.directory to a folder outside it',
    )
  return {
    source: live,
    name,
    exclude,
    minMembers,
    whileChanging,
    encryption,
    layout,
    keep: raw.keep ?? null,
    quotaBytes: raw.quota ?? null,
    mount:
      raw.mount === undefined || path === null
        ? null
        : {
            path,
            sentinel: raw.mount.sentinel === undefined ? null : join(path, raw.mount.sentinel),
            timeoutSeconds: raw.mount.timeout,
          },
  }
}

const wrong = (problem: string, hint: string): RunbookError =>
  new RunbookError('usage', problem, { hint: `${hint} in runbook.config.ts` })
