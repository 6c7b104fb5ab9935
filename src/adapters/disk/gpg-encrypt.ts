import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Encrypted } from '../../drivers/archives.ts'
import type { SecretHandle } from '../../drivers/secrets.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { ArchiveTools } from './gpg-decrypt.ts'
import { digestSink, digestOfFile, mustDecryptToSame } from './digest.ts'
import { sealedInto } from './sealed.ts'
import { fileError } from './errors.ts'

/**
 * Encrypts with the local gpg in a temporary home beside the result. gpg does not report a failed write on a
 * full disk, and keeps reading a file that grows, so the result is decrypted once to verify that it gives the
 * bytes of the file.
 */
export async function encryptWithGpg(
  tools: ArchiveTools,
  file: string,
  to: string,
  passphrase: SecretHandle,
): Promise<Encrypted> {
  const { scope, shell } = tools
  const home = `${to}.gnupg`
  const stdin = `${mustBeOneLine((await tools.secrets.reveal(passphrase)).reveal())}\n`
  try {
    return await sealedInto({ doing: 'encrypt', file, to, scope }, async (partial) => {
      const plain = await digestOfFile(file, scope)
      await rm(home, { recursive: true, force: true })
      await mkdir(home, { mode: 0o700 })
      const around = { env: { GNUPGHOME: home, LC_ALL: 'C' }, cwd: dirname(to), stdin }
      const ended = await shell.run({ ...around, argv: encryptArguments(file, partial) }, scope)
      if (/No space left on device/.test(ended.stderrTail))
        throw fileError('cannot write', to, Object.assign(new Error('gpg cannot write'), { code: 'ENOSPC' }))
      if (ended.exitCode !== 0)
        throw cannot('encrypt', file, lastLine(ended.stderrTail), {
          code: 'failed',
          hint: 'check: gpg --version',
        })
      const back = digestSink()
      // gpg takes one core at most, so the digest beside it costs no time.
      const [read, written] = await bothOf(
        shell.run({ ...around, argv: readBackArguments(partial), stdout: back.into }, scope),
        digestOfFile(partial, scope),
      )
      mustDecryptToSame(file, plain, back.digest(), read.exitCode === 0 ? null : lastLine(read.stderrTail))
      return { file: to, sha256: written.sha256, size: written.bytes }
    })
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** Both have ended when this does, also where one fails: nothing still works in a folder that is removed then. */
async function bothOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<readonly [A, B]> {
  const [first] = await Promise.allSettled([one, other])
  if (first.status === 'rejected') throw first.reason
  return [first.value, await other]
}

const quiet = [
  'gpg',
  '--batch',
  '--yes',
  '--no-tty',
  '--no-options',
  '--no-autostart',
  '--pinentry-mode',
  'loopback',
  '--passphrase-fd',
  '0',
]

/**
 * The passphrase is passed on standard input, never as an argument; loopback, since some releases of gpg
 * would prompt for it. The maximum s2k count slows offline guessing. Archives are compressed already, so gpg
 * does not compress.
 */
export function encryptArguments(file: string, to: string): readonly string[] {
  const derivation = ['--s2k-mode', '3', '--s2k-digest-algo', 'SHA512', '--s2k-count', '65011712']
  return [
    ...quiet,
    '--cipher-algo',
    'AES256',
    ...derivation,
    '--compress-algo',
    'none',
    '--output',
    to,
    '--symmetric',
    '--',
    file,
  ]
}

export const readBackArguments = (file: string): readonly string[] => [
  ...quiet,
  '--output',
  '-',
  '--decrypt',
  '--',
  file,
]

/** gpg reads the first line only, so the rest of a longer passphrase would be silently ignored. */
export function mustBeOneLine(passphrase: string): string {
  if (passphrase !== '' && !/[\r\n\0]/.test(passphrase)) return passphrase
  throw new RunbookError('preflight', 'the passphrase must be a single non-empty line', {
    hint: 'set its variable without a line break: export NAME="$(head -n 1 FILE)"',
  })
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
