import { parse } from 'yaml'
import {
  cannot,
  defineStep,
  isPending,
  RunbookError,
  say,
  sha256,
  type JsonObject,
  type Look,
} from '../../src/index.ts'
import { folderOf } from '../files/lib/path.ts'
import { fileStoreOf, type FileLocation } from '../files/lib/file-store.ts'
import { copiesBeside } from './earlier-version.ts'
import { bytesOf, whyUnfit } from './lib/edited-file.ts'

/** Format of a settings file: rules line by line, a JSON object, or a Compose file. */
export type Holds = 'rules' | 'json' | 'compose'

type Input = {
  readonly file: string
  /** Null for a file on this machine. */
  readonly home: FileLocation | null
  /** A name beside the file, or an absolute path; null for `FILE.bak`. */
  readonly from: string | null
  readonly holds: Holds
}

/** A copy that exists and differs from the file. The program that reads such files has not checked it yet. */
export type FoundCopy = JsonObject & {
  readonly file: string
  readonly home: FileLocation | null
  readonly from: string
  readonly bytes: number
  readonly sha256: string
  /** Digest of the file that it is to replace. Missing in older journals. */
  readonly replaces?: string
}

/** A copy that the program that reads it has accepted: only such a copy is put in place. */
export type ValidatedCopy = FoundCopy & { readonly judgedBy: string }

/**
 * Finds the copy of a settings file to go back to, and refuses one that is missing, empty, malformed or
 * identical.
 * @throws RunbookError `preflight` for such a copy
 */
export const findCopy = defineStep<Input, FoundCopy>({
  kind: 'host.find-copy',
  leaves: [],
  version: 1,
  effect: 'observe',
  describe: ({ file, from }) => {
    const copy = isPending(file) || isPending(from) ? from : pathOfCopy(file, from)
    return say`Finds ${copy}, and checks that it is well-formed and differs from ${file}.`
  },
  preflight: async (look, { file, home, from, holds }) => {
    if (!isPending(file) && !isPending(home) && !isPending(from) && !isPending(holds))
      await findCopyOf(look, { file, home, from, holds })
    return []
  },
  run: (look, input) => findCopyOf(look, input),
})

/** The bytes of a copy. @throws RunbookError `verification` where they changed since it was found */
export async function bytesOfCopy(
  look: Pick<Look, 'files' | 'volumes'>,
  { from, home, sha256: digest }: FoundCopy,
): Promise<Uint8Array> {
  const body = await bytesOf(look, from, home ?? undefined)
  if (sha256(body) === digest) return body
  throw new RunbookError('verification', `${from} changed since it was checked`, {
    hint: 'start again',
  })
}

/** Path of the copy. Pure. */
export const pathOfCopy = (file: string, from: string | null): string =>
  from === null
    ? `${file}.bak`
    : from.includes('/')
      ? from
      : `${folderOf(file) === '/' ? '' : folderOf(file)}/${from}`

/** Why a text is not such a file, without quoting any of it; null where nothing is wrong. Pure. */
export function formatFault(text: string, holds: Holds): string | null {
  if (text.trim() === '') return 'it is empty'
  if (holds === 'rules')
    return text.split('\n').some((line) => /^\s*[^#\s]/.test(line)) ? null : 'it contains no rule'
  try {
    const parsed: unknown = holds === 'json' ? JSON.parse(text) : parse(text)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      return holds === 'json' ? 'it is not a JSON object' : 'it is not a Compose file'
    return holds === 'compose' && !('services' in parsed) && !('include' in parsed)
      ? 'it has no services'
      : null
  } catch {
    return holds === 'json' ? 'it is not JSON' : 'it is not YAML'
  }
}

async function findCopyOf(
  look: Pick<Look, 'files' | 'volumes'>,
  { file, home, from, holds }: Input,
): Promise<FoundCopy> {
  const copy = pathOfCopy(file, from)
  const refuse = async (why: string): Promise<never> => {
    const others =
      home === null ? `; ${await copiesBeside(look, file).catch(() => 'its folder cannot be read')}` : ''
    throw cannot('go back to', copy, why, {
      code: 'preflight',
      hint: `name another copy with --from${others}`,
    })
  }
  if (!copy.startsWith('/')) return refuse('it is neither the name of a file beside it nor an absolute path')
  const now = await bytesOf(look, file, home ?? undefined)
  const unfit = whyUnfit(await fileStoreOf(look, home ?? undefined).kind(copy))
  if (unfit !== null) return refuse(unfit)
  const body = await bytesOf(look, copy, home ?? undefined)
  const fault = formatFault(new TextDecoder().decode(body), holds)
  if (fault !== null) return refuse(fault)
  if (sha256(body) === sha256(now)) return refuse(`it is identical to ${file}`)
  return { file, home, from: copy, bytes: body.length, sha256: sha256(body), replaces: sha256(now) }
}
