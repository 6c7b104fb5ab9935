import type { SecretHandle } from '../../drivers/secrets.ts'
import type { Scope } from '../../drivers/scope.ts'
import { contentBytes, contentOf, type Content } from '../../formats/dumps/content.ts'
import type { Wrapping } from '../../formats/dumps/wrapping.ts'
import type { Unwrap, Unwrapped, Wanted } from './unwrap.ts'
import type { Bytes } from './unwrapping.ts'
import { dumpSize, dumpStream, isFolder } from './dump-stream.ts'

/** A dump as it lies in the folder of backups, and what decrypts it. */
export type DumpFile = { readonly file: string; readonly decrypt?: SecretHandle }

/** For `dumpStream`: what is in a dump, once nothing wraps it. */
export const contentIn = (
  unwrap: Unwrap,
  { file, decrypt }: DumpFile,
  scope: Scope,
  found: (unwrapped: Omit<Unwrapped, 'bytes'>) => void = () => undefined,
  wanted: Wanted = 'all',
) =>
  async function* (raw: Bytes): Bytes {
    const { bytes, ...unwrapped } = await unwrap(raw, file, decrypt ?? null, scope, wanted)
    found(unwrapped)
    yield* bytes
  }

export type DumpStart = {
  readonly start: Buffer
  /** Whether there is no more. */
  readonly complete: boolean
  readonly content: Content
  readonly wrapped: readonly Wrapping[]
  /** `folder`: the tar archive that it is read as is not there. */
  readonly from: Unwrapped['from'] | 'folder' | null
}

/**
 * The first bytes of what is in a dump.
 * @throws RunbookError `verification` for a file that is missing, empty or damaged here; `preflight` where a program or
 *   a secret is missing
 */
export async function startOf(
  { unwrap }: { readonly unwrap: Unwrap },
  dump: DumpFile,
  wanted: number,
  scope: Scope,
): Promise<DumpStart> {
  const quiet = { ...scope, progress: () => undefined }
  const total = await dumpSize(dump.file)
  let unwrapped: Pick<Unwrapped, 'wrapped' | 'from'> = { wrapped: [] }
  const found = (all: Pick<Unwrapped, 'wrapped' | 'from'>): void => {
    unwrapped = all
  }
  const content = contentIn(unwrap, dump, quiet, found, 'start')
  const parts: Uint8Array[] = []
  let length = 0
  let complete = true
  const { stream } = dumpStream(dump.file, { expected: null, total, content }, quiet)
  for await (const part of stream as AsyncIterable<Uint8Array>) {
    scope.signal.throwIfAborted()
    parts.push(part)
    length += part.length
    if (length < Math.max(wanted, contentBytes)) continue
    complete = false
    break
  }
  const start = Buffer.concat(parts)
  const { wrapped, from: made = null } = unwrapped
  const from = made === 'tar' && (await isFolder(dump.file)) ? 'folder' : made
  return { start, complete, content: contentOf(start), wrapped, from }
}
