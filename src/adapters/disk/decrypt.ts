import { constants } from 'node:fs'
import { mkdtemp, open, rename, rm, stat, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { SecretHandle } from '../../drivers/secrets.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { ArchiveTools } from './archives.ts'
import { syncFolder } from './durable.ts'
import { statOf, trustParents } from './place.ts'
import { trouble } from './trouble.ts'

/**
 * Decrypts with the gpg of this machine, in a home of its own: the operator's keys, settings and key agent take no part.
 *
 * gpg writes plaintext before it has seen the end, and its exit code alone proves nothing: 0 is also what it returns for a file that
 * was never encrypted. So the text stays in a `.partial` until gpg's status lines (doc/DETAILS of GnuPG) vouch for it.
 */
export async function decryptWithGpg(tools: ArchiveTools, file: string, to: string, passphrase: SecretHandle): Promise<void> {
  const partial = `${to}.partial`
  const secret = await tools.secrets.reveal(passphrase)
  const home = await mkdtemp(join(tmpdir(), 'runbook-gpg-'))
  try {
    await trustParents(to)
    const there = await statOf(to)
    if (there !== null) throw new RunbookError('failed', `could not decrypt to ${to}: something is there already`, { hint: `look: ls -ld ${to}` })
    if (!(await stat(file)).isFile()) throw new RunbookError('failed', `could not decrypt ${file}: it is no regular file`, { hint: `look: ls -ld ${file}` })
    await unlink(partial).catch(() => undefined)
    await (await open(partial, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)).close()
    const ended = await tools.shell.run(
      { argv: gpgArguments(file, partial), env: { GNUPGHOME: home }, stdin: `${secret.reveal()}\n`, stdout: { text: 64 * 1024 }, cwd: dirname(to) },
      tools.scope,
    )
    const refusal = refusalOf(ended.exitCode, ended.stdout)
    if (refusal === 'no space is left') throw Object.assign(new Error(refusal), { code: 'ENOSPC' })
    if (refusal !== null) throw new RunbookError('verification', `${file} could not be decrypted: ${refusal.why}`, { hint: refusal.hint })
    await using plain = await open(partial, constants.O_RDONLY | constants.O_NOFOLLOW)
    await plain.sync()
    await rename(partial, to)
    await syncFolder(dirname(to))
  } catch (thrown) {
    await unlink(partial).catch(() => undefined)
    throw trouble('could not decrypt', file, thrown)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** The passphrase comes on standard input, never in an argument. With no agent started, none can outlive us. */
export function gpgArguments(file: string, to: string): readonly string[] {
  const quiet = ['--batch', '--yes', '--no-tty', '--no-options', '--no-autostart']
  return ['gpg', ...quiet, '--pinentry-mode', 'loopback', '--passphrase-fd', '0', '--status-fd', '1', '--output', to, '--decrypt', '--', file]
}

type Refusal = { readonly why: string; readonly hint: string }

/** Null when gpg vouches for all of the plaintext. The text is what gpg wrote to its status descriptor. */
export function refusalOf(exitCode: number, status: string): Refusal | 'no space is left' | null {
  const lines = status.split('\n').filter((line) => line.startsWith('[GNUPG:] '))
  const words = lines.map((line) => line.slice('[GNUPG:] '.length).split(' '))
  const said = new Set(words.map(([keyword]) => keyword))
  const has = (keyword: string): boolean => said.has(keyword)
  // gpg-error codes: the low 16 bits of the last number; 32768 + 86 is ENOSPC.
  if (words.some(([keyword, , code]) => ['ERROR', 'FAILURE'].includes(keyword ?? '') && (Number(code) & 0xffff) === 32_854)) return 'no space is left'
  if (has('BAD_PASSPHRASE') || (has('DECRYPTION_FAILED') && !has('PLAINTEXT') && has('NEED_PASSPHRASE_SYM'))) {
    return { why: 'the passphrase is wrong, or its beginning is damaged', hint: 'check the passphrase first' }
  }
  if (has('NODATA') || !has('BEGIN_DECRYPTION')) return { why: 'it is not encrypted, or cut off at its beginning', hint: 'look: gpg --list-packets FILE' }
  const vouched = exitCode === 0 && has('DECRYPTION_OKAY') && has('END_DECRYPTION') && !['BADMDC', 'DECRYPTION_FAILED', 'ERROR'].some(has)
  const once = words.filter(([keyword]) => keyword === 'PLAINTEXT').length === 1
  if (vouched && once) return null
  return { why: 'it is damaged or cut off', hint: 'use another backup, and keep this one to find out what happened to it' }
}
