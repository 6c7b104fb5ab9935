import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, rename, rm, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Writable } from 'node:stream'
import type { Encrypted } from '../../drivers/archives.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { SecretHandle } from '../../drivers/secrets.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { syncFolder } from '../durable.ts'
import { hashOf } from '../file-hash.ts'
import type { ArchiveTools } from './decrypt.ts'
import { statOf, trustParents } from './place.ts'
import { trouble } from './trouble.ts'

/**
 * Encrypts with the gpg of this machine, in a home of its own beside the result. What gpg says of its own work is not relied on: it is
 * silent about what a full disk did not take, and reads on in a file that grows. So the result is decrypted once more, to nowhere, and
 * must give back the very bytes of the file.
 */
export async function encryptWithGpg(tools: ArchiveTools, file: string, to: string, passphrase: SecretHandle): Promise<Encrypted> {
  const { scope, shell } = tools
  const partial = `${to}.partial`
  const home = `${to}.gnupg`
  const stdin = `${mustBeOneLine((await tools.secrets.reveal(passphrase)).reveal())}\n`
  try {
    await trustParents(to)
    if ((await statOf(to)) !== null) throw new RunbookError('failed', `could not encrypt to ${to}: something is there already`, { hint: `look: ls -ld ${to}` })
    const plain = await hashed(file, scope)
    await unlink(partial).catch(() => undefined)
    await rm(home, { recursive: true, force: true })
    await mkdir(home, { mode: 0o700 })
    await (await open(partial, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)).close()
    const around = { env: { GNUPGHOME: home, LC_ALL: 'C' }, cwd: dirname(to), stdin }
    const ended = await shell.run({ ...around, argv: encryptArguments(file, partial) }, scope)
    if (/No space left on device/.test(ended.stderrTail)) throw trouble('could not write', to, Object.assign(new Error('gpg could not write'), { code: 'ENOSPC' }))
    if (ended.exitCode !== 0) throw failedBecause(file, lastLine(ended.stderrTail))
    const back = digesting()
    const read = await shell.run({ ...around, argv: readBackArguments(partial), stdout: back.into }, scope)
    const same = read.exitCode === 0 && back.bytes() === plain.bytes && back.sha256() === plain.sha256
    if (!same) {
      const why = read.exitCode === 0 ? 'decrypted again, it is not what the file holds' : `it cannot be decrypted again (${lastLine(read.stderrTail)})`
      throw new RunbookError('verification', `${file} was not encrypted whole: ${why}`, { hint: 'see that nobody writes to it and that the disk is not full, then try again' })
    }
    await using sealed = await open(partial, constants.O_RDONLY | constants.O_NOFOLLOW)
    await sealed.sync()
    const { sha256, bytes } = await hashOf(sealed, null, scope)
    await rename(partial, to)
    await syncFolder(dirname(to))
    return { file: to, sha256, size: bytes }
  } catch (thrown) {
    await unlink(partial).catch(() => undefined)
    scope.signal.throwIfAborted()
    throw trouble('could not encrypt', file, thrown)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

const quiet = ['gpg', '--batch', '--yes', '--no-tty', '--no-options', '--no-autostart', '--pinentry-mode', 'loopback', '--passphrase-fd', '0']

/**
 * The passphrase comes on standard input, never in an argument; loopback, since other releases of gpg than ours ask for it elsewhere
 * (T.27). The count is the highest there is, for a passphrase is guessed offline. What is packed already is not packed again.
 */
export function encryptArguments(file: string, to: string): readonly string[] {
  const derivation = ['--s2k-mode', '3', '--s2k-digest-algo', 'SHA512', '--s2k-count', '65011712']
  return [...quiet, '--cipher-algo', 'AES256', ...derivation, '--compress-algo', 'none', '--output', to, '--symmetric', '--', file]
}

export const readBackArguments = (file: string): readonly string[] => [...quiet, '--output', '-', '--decrypt', '--', file]

/** gpg takes the first line only: of a passphrase with a second one, a part would go unused, unnoticed. */
export function mustBeOneLine(passphrase: string): string {
  if (passphrase !== '' && !/[\r\n\0]/.test(passphrase)) return passphrase
  throw new RunbookError('preflight', 'a passphrase must be one line that is not empty', { hint: 'set its variable without a line break: export NAME="$(head -n 1 FILE)"' })
}

async function hashed(file: string, scope: Scope): Promise<{ readonly sha256: string; readonly bytes: number }> {
  await using source = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  if (!(await source.stat()).isFile()) throw failedBecause(file, 'it is no regular file')
  return await hashOf(source, null, scope)
}

function digesting(): { readonly into: Writable; bytes(): number; sha256(): string } {
  const hash = createHash('sha256')
  let bytes = 0
  const into = new Writable({
    write(chunk: Buffer, _, done) {
      hash.update(chunk)
      bytes += chunk.length
      done()
    },
  })
  return { into, bytes: () => bytes, sha256: () => hash.digest('hex') }
}

const failedBecause = (file: string, why: string): RunbookError => new RunbookError('failed', `could not encrypt ${file}: ${why}`, { hint: 'look at gpg: gpg --version' })
const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
