import { mkdir, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Scope } from '../../drivers/scope.ts'
import type { SecretHandle, Secrets } from '../../drivers/secrets.ts'
import { cannot } from '../../kernel/errors.ts'
import type { Shell } from '../process/shell.ts'
import { sealedInto } from './sealed.ts'
import { whileVerified } from './verified-file.ts'
import { fileError } from './errors.ts'

export type ArchiveTools = {
  readonly shell: Pick<Shell, 'run'>
  readonly scope: Scope
  readonly secrets: Pick<Secrets, 'reveal'>
  /** scrypt work factor of age, as a base-2 logarithm; default 18 (256 MB). */
  readonly ageWork?: number
}

/**
 * Decrypts with the local gpg in a temporary home, without the operator's keys, settings and agent. The home
 * is beside the plaintext, so whatever a kill leaves of it is removed with the folder.
 *
 * gpg writes plaintext before it has verified all of it, and exits with 0 even for a file that was never
 * encrypted. So the plaintext stays in a `.partial` until gpg's status lines (doc/DETAILS of GnuPG) confirm
 * it.
 */
export async function decryptWithGpg(
  tools: ArchiveTools,
  file: string,
  to: string,
  passphrase: SecretHandle,
  sha256?: string,
): Promise<void> {
  const secret = await tools.secrets.reveal(passphrase)
  const home = `${to}.gnupg`
  try {
    const decrypt = async (partial: string): Promise<void> => {
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
        throw fileError('cannot write', to, Object.assign(new Error('gpg cannot write'), { code: 'ENOSPC' }))
      const refusal = gpgRefusal(ended.exitCode, ended.stdout, (await stat(partial)).size)
      if (refusal === null) return
      const [last = ''] = ended.stderrTail.trim().split('\n').slice(-1)
      throw cannot('decrypt', file, `${refusal.why} (${last})`, {
        code: 'verification',
        hint: refusal.hint,
      })
    }
    await sealedInto({ doing: 'decrypt', file, to, scope: tools.scope }, (partial) =>
      whileVerified(file, sha256, tools.scope, () => decrypt(partial)),
    )
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/**
 * The passphrase is passed on standard input, never as an argument. No agent is started, so none can outlive
 * us.
 */
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
 * Null if gpg confirms the complete plaintext, and all of it was written.
 * @param status output of gpg's status descriptor
 * @param written bytes of plaintext in the file
 */
export function gpgRefusal(exitCode: number, status: string, written: number): Refusal | null {
  const lines = status.split('\n').filter((line) => line.startsWith('[GNUPG:] '))
  const words = lines.map((line) => line.slice('[GNUPG:] '.length).split(' '))
  const statuses = new Map(words.map(([keyword = '', ...rest]) => [keyword, rest]))
  if (
    statuses.has('NEED_PASSPHRASE_SYM') &&
    statuses.has('DECRYPTION_FAILED') &&
    !statuses.has('PLAINTEXT')
  ) {
    return {
      why: 'the passphrase is wrong, or the start of the file is damaged',
      hint: 'check the passphrase first',
    }
  }
  if (!statuses.has('NEED_PASSPHRASE_SYM') && (statuses.has('ENC_TO') || statuses.has('NO_SECKEY'))) {
    const [key = ''] = statuses.get('NO_SECKEY') ?? statuses.get('ENC_TO') ?? []
    return {
      why: `encrypted for a public key (${key}), not with a passphrase`,
      hint: 'decrypt it where its secret key is, and encrypt it with a passphrase: gpg --symmetric',
    }
  }
  if (!statuses.has('BEGIN_DECRYPTION')) {
    return {
      why: 'not encrypted with a passphrase, or truncated at its start',
      hint: 'check: gpg --list-packets FILE',
    }
  }
  const okay =
    statuses.has('DECRYPTION_OKAY') &&
    statuses.has('END_DECRYPTION') &&
    !['BADMDC', 'DECRYPTION_FAILED', 'ERROR'].some((keyword) => statuses.has(keyword))
  const single = words.filter(([keyword]) => keyword === 'PLAINTEXT').length === 1
  const length = Number(statuses.get('PLAINTEXT_LENGTH')?.[0] ?? written)
  // Check the exit code too: on a full disk gpg 2.2.40 confirms what it read, and does not report a failed
  // write.
  if (okay && single && exitCode === 0 && written === length) return null
  return {
    why: 'damaged or truncated, or with extra data after its end',
    hint: 'use another backup, and keep this one for investigation',
  }
}
