import type { Scope } from '../../drivers/scope.ts'
import type { SecretHandle, Secrets } from '../../drivers/secrets.ts'
import { isEncryption, wrappingBytes, wrappingOf, type Wrapping } from '../../formats/dumps/wrapping.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import type { Shell } from '../process/shell.ts'
import { fromAge } from './age.ts'
import { fromGpg } from './gpg.ts'
import { fromBzip2, fromXz } from './programs.ts'
import { fromOpenssl } from './openssl.ts'
import type { Bytes, Unwrapping } from './unwrapping.ts'
import { fromGzip, fromZstd } from './zlib.ts'

/** The content of a file, which comes from `raw`, and what it was wrapped in, the outermost first. */
export type Unwrap = (
  raw: Bytes,
  file: string,
  decrypt: SecretHandle | null,
  scope: Scope,
  wanted?: Wanted,
) => Promise<Unwrapped>

/** `start`: the caller reads no further than what says what is inside, so that may be all there is. */
export type Wanted = 'all' | 'start'

export type Unwrapped = {
  readonly wrapped: readonly Wrapping[]
  /** What else `bytes` were made from: the members of a tar archive, or SQL. */
  readonly from?: 'tar' | 'script'
  readonly bytes: Bytes
  /** Bytes that were kept in a file meanwhile. */
  readonly kept?: () => number
}

const filters: { readonly [wrapping in Wrapping]: (wrapped: Bytes, by: Unwrapping) => Bytes } = {
  gzip: fromGzip,
  zstd: fromZstd,
  xz: fromXz,
  bzip2: fromBzip2,
  gpg: fromGpg,
  age: fromAge,
  openssl: fromOpenssl,
}

/** More layers than people use: a file of nothing but wrappings must end. */
const mostLayers = 4

/**
 * Takes off every wrapping that the first bytes show, as a stream. All of `raw` is read, and what follows the end of a
 * wrapping is an error of the stream.
 */
export const unwrapWith =
  ({
    shell,
    secrets,
  }: {
    readonly shell: Pick<Shell, 'run'>
    readonly secrets: Pick<Secrets, 'reveal'>
  }): Unwrap =>
  async (raw, file, decrypt, scope) => {
    const name = shellWord(file)
    const secret = async (): Promise<string | null> =>
      decrypt === null ? null : (await secrets.reveal(decrypt)).reveal()
    const wrapped: Wrapping[] = []
    let bytes = raw
    try {
      for (;;) {
        const { start, all } = await peeked(bytes, wrappingBytes)
        const wrapping = wrappingOf(start)
        if (wrapping === null) return { wrapped, bytes: all }
        if (wrapped.length === mostLayers)
          throw new RunbookError('verification', `${name} is wrapped more than ${mostLayers} times`, {
            hint: 'unwrap it by hand and choose the result',
          })
        if (isEncryption(wrapping) && decrypt === null)
          throw new RunbookError(
            'preflight',
            `${name} is encrypted (${wrapping}), and no passphrase is configured`,
            { hint: "set backups.passphrase in runbook.config.ts to secret('VARIABLE')" },
          )
        wrapped.push(wrapping)
        bytes = filters[wrapping](all, { shell, scope, secret, name })
      }
    } catch (thrown) {
      await bytes.return()
      throw thrown
    }
  }

/** The first bytes, at least as many as are wanted where there are so many, and all of them. */
export async function peeked(
  bytes: Bytes,
  wanted: number,
): Promise<{ readonly start: Buffer; readonly all: Bytes }> {
  let start = Buffer.alloc(0)
  let ended = false
  while (start.length < wanted && !ended) {
    const next = await bytes.next()
    if (next.done === true) ended = true
    else start = Buffer.concat([start, next.value])
  }
  async function* all(): Bytes {
    try {
      if (start.length > 0) yield start
      if (!ended) yield* bytes
    } finally {
      await bytes.return()
    }
  }
  const stream = all()
  return { start, all: stream }
}
