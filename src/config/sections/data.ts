import { basename, join } from 'node:path'
import { z } from 'zod'
import { RunbookError } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import type { DataArchive, DataMaking } from '../../model/sections/data.ts'
import { absolute, handleOf, type BasePaths } from '../base-paths.ts'
import type { Duration, Size } from '../quantities.ts'
import type { SecretSource } from '../secret.ts'
import { duration, json, oneOf, secretHandle, size, strict, text, texts } from '../values.ts'
import { placeOf, placeShape, type PlaceConfig } from './place.ts'

export type KeyFileConfig = {
  /** Relative to the one folder that holds everything in the archive; to its root where there is no such folder. */
  readonly path: string
  readonly parse?: 'none' | 'json' | 'yaml' | 'toml' | 'sqlite'
  readonly minBytes?: Size
  readonly expect?: { readonly [path: string]: Json }
}

export type DataConfig = PlaceConfig & {
  /** Of archives that end in `.gpg` or `.age`, and of those that `data-backup --encrypt` makes. */
  readonly passphrase?: SecretSource
  readonly keyFiles?: readonly KeyFileConfig[]
  /** The live folder that `data-backup` archives. Its name is that of the one folder in the archive. */
  readonly source?: string
  /** Start of the archives' names. Default: the pattern up to its first `*` or `{time}`, without the hyphen. */
  readonly name?: string
  /** What stays out: a name (`*.log`) wherever it occurs, a pattern with a slash (`var/cache`) from the top. */
  readonly exclude?: readonly string[]
  /** Members that an archive has at the least. Default 2: the folder, and something in it. */
  readonly minMembers?: number
  /** Whether a file that changes while it is packed makes the backup fail. Default `refuse`. */
  readonly whileChanging?: 'refuse' | 'note'
  /** With what `data-backup --encrypt` encrypts. Default `gpg`; `age` needs no program here. */
  readonly encryption?: 'gpg' | 'age'
  /** Folders of dates for new archives; older ones are found in any. Default `YYYY/MM-DD`. */
  readonly layout?: 'YYYY/MM-DD' | 'YYYY-MM-DD' | 'flat'
  /** Archives that `data-backup --prune` leaves, where `--keep` does not say. */
  readonly keep?: number
  /** What all archives may take together; from 80 % on, a warning says so. */
  readonly quota?: Size
  /** The drive on which `directory` lies. */
  readonly mount?: {
    readonly path: string
    /** A file that is there only while the drive is mounted, from `path`. */
    readonly sentinel?: string
    /** Default 10 seconds. */
    readonly timeout?: Duration
  }
}

const keyFile = strict({
  path: text,
  parse: oneOf('none', 'json', 'yaml', 'toml', 'sqlite').default('none'),
  minBytes: size.default(1),
  expect: z.record(text, json).default({}),
})

export const dataSchema = strict({
  ...placeShape,
  passphrase: secretHandle.optional(),
  keyFiles: z.array(keyFile).readonly().default([]),
  source: text.optional(),
  name: text.regex(/^[^/*{}]+$/, 'expected the start of a file name').optional(),
  exclude: texts.default([]),
  minMembers: z.int().min(1).default(2),
  whileChanging: oneOf('refuse', 'note').default('refuse'),
  encryption: oneOf('gpg', 'age').default('gpg'),
  layout: oneOf('YYYY/MM-DD', 'YYYY-MM-DD', 'flat').default('YYYY/MM-DD'),
  keep: z.int().min(1).optional(),
  quota: size.optional(),
  mount: strict({ path: text, sentinel: text.optional(), timeout: duration.default(10) }).optional(),
})

type Raw = z.output<typeof dataSchema>

export function dataOf(raw: Raw, bearings: BasePaths): DataArchive {
  const { directory, pattern, maxAge, minBytes, checksums, passphrase, keyFiles, source } = raw
  const place = placeOf({ directory, pattern, maxAge, minBytes, checksums }, bearings)
  const archive = {
    place,
    passphrase: passphrase === undefined ? null : handleOf(passphrase, bearings),
    keyFiles,
  }
  return source === undefined
    ? archive
    : { ...archive, making: makingOf(raw, source, place.directory, bearings) }
}

/** @throws RunbookError `usage` where archives would not be filed on the drive that is looked at, or could not be named */
function makingOf(raw: Raw, source: string, directory: string, bearings: BasePaths): DataMaking {
  const { exclude, minMembers, whileChanging, encryption, layout, mount } = raw
  const name = raw.name ?? /^[^*{]*/.exec(raw.pattern)?.[0].replace(/[-_.]+$/, '')
  if (name === undefined || name === '')
    throw wrong(`data.pattern "${raw.pattern}" does not begin with a name for new archives`, 'set data.name')
  const path = mount === undefined ? null : absolute(mount.path, bearings)
  if (path !== null && directory !== path && !directory.startsWith(`${path}/`))
    throw wrong(
      `data.directory ${directory} does not lie in data.mount.path ${path}`,
      'name the mount point above it',
    )
  const live = absolute(source, bearings)
  if (basename(live) === '') throw wrong('data.source is no folder with a name', 'name the live folder')
  if (directory === live || directory.startsWith(`${live}/`))
    throw wrong(
      `data.directory ${directory} lies in data.source ${live}, so that each backup would hold all others`,
      'keep backups elsewhere',
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
      mount === undefined || path === null
        ? null
        : {
            path,
            sentinel: mount.sentinel === undefined ? null : join(path, mount.sentinel),
            timeoutSeconds: mount.timeout,
          },
  }
}

const wrong = (problem: string, hint: string): RunbookError =>
  new RunbookError('usage', problem, { hint: `${hint} in runbook.config.ts` })
