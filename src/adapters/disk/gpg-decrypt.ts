import { mkdir, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Scope } from '../../drivers/scope.ts'
import type { SecretHandle, Secrets } from '../../drivers/secrets.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Shell } from '../process/shell.ts'
import { sealedInto } from './sealed.ts'
import { fileError } from './errors.ts'

export type ArchiveTools = {
  readonly shell: Pick<Shell, 'run'>
  readonly scope: Scope
  readonly secrets: Pick<Secrets, 'reveal'>
  /** Of age's key derivation: base-2 logarithm. Left out, as age has it (18, a quarter of a GB). */ readonly ageWork?: number
}

/**
 * Decrypts with the gpg of this machine, in a home of its own: the operator's keys, settings and key agent take no part. The home lies
 * beside the plaintext, so that what a kill leaves of it goes with the folder.
 *
 * gpg writes plaintext before it has seen the end, and its exit code alone proves nothing: 0 is also what it returns for a file that
 * was never encrypted. So the text stays in a `.partial` until gpg's status lines (doc/DETAILS of GnuPG) vouch for it.
 */
export async function decryptWithGpg(
  tools: ArchiveTools,
  file: string,
  to: string,
  passphrase: SecretHandle,
): Promise<void> {
  const secret = await tools.secrets.reveal(passphrase)
  const home = `${to}.gnupg`
  try {
    await sealedInto({ doing: 'decrypt', file, to, scope: tools.scope }, async (partial) => {
      await rm(home, { recursive: true, force: true })
      await mkdir(home, { mode: 0o700 })
      const call = {
        argv: gpgArguments(file, partial),
        env: { GNUPGHOME: home, LC_ALL: 'C' },
        cwd: dirname(to),
      }
      const ended = await tools.shell.run(
        { ...call, stdin: `${secret.reveal()}\n`, stdout: { text: 64 * 1024 } },
        tools.scope,
      )
      if (/No space left on device/.test(ended.stderrTail))
        throw fileError(
          'could not write',
          to,
          Object.assign(new Error('gpg could not write'), { code: 'ENOSPC' }),
        )
      const refusal = gpgRefusal(ended.exitCode, ended.stdout, (await stat(partial)).size)
      if (refusal === null) return
      const [last = ''] = ended.stderrTail.trim().split('\n').slice(-1)
      throw new RunbookError('verification', `${file} could not be decrypted: ${refusal.why} (${last})`, {
        hint: refusal.hint,
      })
    })
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** The passphrase comes on standard input, never in an argument. With no agent started, none can outlive us. */
export function gpgArguments(file: string, to: string): readonly string[] {
  const quiet = ['--batch', '--yes', '--no-tty', '--no-options', '--no-autostart']
  return [
    'gpg',
    ...quiet,
    '--pinentry-mode',
    'loopback',
    '--passphrase-fd',
    '0',
    '--status-fd',
    '1',
    '--output',
    to,
    '--decrypt',
    '--',
    file,
  ]
}

type Refusal = { readonly why: string; readonly hint: string }

/**
 * Null when gpg vouches for all of the plaintext, and all of it was written.
 * @param status what gpg wrote to its status descriptor @param written bytes of plaintext in the file
 */
export function gpgRefusal(exitCode: number, status: string, written: number): Refusal | null {
  const lines = status.split('\n').filter((line) => line.startsWith('[GNUPG:] '))
  const words = lines.map((line) => line.slice('[GNUPG:] '.length).split(' '))
  const said = new Map(words.map(([keyword = '', ...rest]) => [keyword, rest]))
  if (said.has('NEED_PASSPHRASE_SYM') && said.has('DECRYPTION_FAILED') && !said.has('PLAINTEXT')) {
    return { why: 'the passphrase is wrong, or its beginning is damaged', hint: 'check the passphrase first' }
  }
  if (!said.has('BEGIN_DECRYPTION')) {
    return {
      why: 'it is not encrypted with a passphrase, or cut off at its beginning',
      hint: 'look: gpg --list-packets FILE',
    }
  }
  const okay =
    said.has('DECRYPTION_OKAY') &&
    said.has('END_DECRYPTION') &&
    !['BADMDC', 'DECRYPTION_FAILED', 'ERROR'].some((keyword) => said.has(keyword))
  const once = words.filter(([keyword]) => keyword === 'PLAINTEXT').length === 1
  const length = Number(said.get('PLAINTEXT_LENGTH')?.[0] ?? written)
  // The exit code counts as well: on a full disk gpg 2.2.40 vouches for what it read and is silent about what it could not write.
  if (okay && once && exitCode === 0 && written === length) return null
  return {
    why: 'it is damaged or cut off',
    hint: 'use another backup, and keep this one to find out what happened to it',
  }
}
