import {
  cannot,
  defineStep,
  differencesOf,
  isPending,
  RunbookError,
  say,
  sha256,
  variablesOf,
  type JsonObject,
  type Look,
  type ServiceGroup,
} from '../../src/index.ts'
import { folderOf, lastOf } from '../files/lib/path.ts'
import { variablesIn } from './lib/edit-file-step.ts'
import { bytesOf } from './lib/edited-file.ts'
import { scopeFindings } from './lib/edit-scope.ts'

type Source = {
  readonly file: string
  /** A git revision. */
  readonly revision: string
  /** A copy of the file, used instead of the revision. */
  readonly copy: string | null
}
type Input = Source & {
  /** Those that run with it; nothing else of their stack may change with that version. */
  readonly services: ServiceGroup
}

/**
 * An earlier version of a configuration file: its source and digest. Its contents may be secret, so they are
 * not part of it.
 */
export type EarlierVersion = JsonObject & {
  readonly file: string
  readonly from: string
  readonly revision: string
  readonly copy: string | null
  readonly sha256: string
  /** Digest of the present file, which the differences are from. Missing in older journals. */
  readonly replaces?: string
  /** One line per variable, secret values masked. */
  readonly differences: readonly string[]
}

const bound = 50

/**
 * Finds the version to go back to, checks that it is readable and differs from the present file, and reports
 * the differences.
 * @throws RunbookError `verification` for a version that is the same or sets no variable, `preflight` where
 * it cannot be read
 */
export const earlierVersion = defineStep<Input, EarlierVersion>({
  kind: 'config.earlier-version',
  version: 1,
  effect: 'observe',
  lookAgain: true,
  describe: ({ file, revision, copy }) => {
    const version = copy === null ? say`git ${revision}` : copy
    return say`Reads ${file} as of ${version}, and shows its differences from the present one, secrets masked.`
  },
  preflight: async (look, { file, revision, copy, services }) => {
    if (isPending(file) || isPending(revision) || isPending(copy)) return []
    await findVersion(look, { file, revision, copy })
    if (isPending(services)) return []
    const body = await readVersion(look, { file, revision, copy })
    const variables = variablesIn(await bytesOf(look, file), body)
    return scopeFindings(look, { services, of: 'settings' }, { file, body, variables })
  },
  run: async (look, { file, revision, copy }) => {
    const { differences, ...version } = await findVersion(look, { file, revision, copy })
    for (const line of differences) look.note(line)
    return { ...version, differences }
  },
})

/** The bytes of the version. @throws RunbookError `verification` where they changed since it was found */
export async function bytesOfVersion(
  look: Pick<Look, 'git' | 'files' | 'volumes'>,
  { file, revision, copy, sha256: digest, from }: EarlierVersion,
): Promise<Uint8Array> {
  const body = await readVersion(look, { file, revision, copy })
  if (sha256(body) === digest) return body
  throw new RunbookError('verification', `${from} changed since it was checked`, {
    hint: 'start again',
  })
}

async function findVersion(
  look: Pick<Look, 'git' | 'files' | 'volumes'>,
  input: Source,
): Promise<EarlierVersion> {
  const now = await bytesOf(look, input.file)
  const body = await readVersion(look, input)
  const from = input.copy ?? `${input.file} as of git ${input.revision}`
  if (Object.keys(variablesOf(body)).length === 0)
    throw new RunbookError('verification', `${from} sets no variable`, {
      hint: 'choose another version',
    })
  if (sha256(now) === sha256(body)) {
    throw new RunbookError('verification', `${from} is identical to ${input.file}`, {
      hint: `choose another version: --revision or --copy; ${await copiesBeside(look, input.file)}`,
    })
  }
  const replaces = sha256(now)
  return {
    ...input,
    from,
    sha256: sha256(body),
    replaces,
    differences: differencesOf(now, body).slice(0, bound),
  }
}

async function readVersion(
  look: Pick<Look, 'git' | 'files' | 'volumes'>,
  { file, revision, copy }: Source,
): Promise<Uint8Array> {
  if (copy !== null) return bytesOf(look, copy)
  try {
    return await look.git.show(folderOf(file), revision, lastOf(file))
  } catch (cause) {
    throw cannot('read', `${file} as of git ${revision}`, null, {
      code: 'preflight',
      cause,
      hint: `check that it is in git, or name a copy with --copy; ${await copiesBeside(look, file)}`,
    })
  }
}

/** Newest first by name, which is by date where names are dated. */
export async function copiesBeside(look: Pick<Look, 'files'>, file: string): Promise<string> {
  const copies = (await look.files.list(folderOf(file)))
    .filter((name) => name.startsWith(`${lastOf(file)}.`))
    .sort()
    .reverse()
  return copies.length === 0
    ? 'there is no copy beside it'
    : `copies beside it: ${copies
        .slice(0, 5)
        .map((name) => `${folderOf(file)}/${name}`)
        .join(', ')}`
}
