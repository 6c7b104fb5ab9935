import type { RunbookError } from '../../kernel/errors.ts'
import type { Ended } from '../process/shell.ts'
import { through } from './programs.ts'
import { refusedWrapping, type Bytes, type Unwrapping } from './unwrapping.ts'

/** Without the operator's keys, settings and agent: the home is no folder, so nothing is read there nor written. */
const argv = [
  'gpg',
  '--batch',
  '--no-tty',
  '--no-options',
  '--no-autostart',
  '--no-keyring',
  '--pinentry-mode',
  'loopback',
  '--passphrase-fd',
  '3',
  '--status-fd',
  '2',
  '--decrypt',
]

/**
 * Decrypts with a passphrase. gpg writes plaintext before it has verified all of it: what reads it must not act on it
 * before the stream has ended.
 */
export async function* fromGpg(wrapped: Bytes, by: Unwrapping): Bytes {
  const secret = `${(await by.secret()) ?? ''}\n`
  const env = { GNUPGHOME: '/dev/null', LC_ALL: 'C' }
  yield* through(wrapped, { argv, env, secret, from: 'gpg' }, by, refusal)
}

/** By the status lines (doc/DETAILS of GnuPG): only they say that the integrity of all of the message was verified. */
function refusal(name: string, { exitCode, stderrTail }: Ended): RunbookError | null {
  const has = (status: string): boolean => stderrTail.includes(`[GNUPG:] ${status}`)
  if (exitCode === 0 && has('DECRYPTION_OKAY') && has('END_DECRYPTION') && !has('BADMDC')) return null
  if (has('NO_SECKEY') || (has('ENC_TO') && !has('NEED_PASSPHRASE_SYM')))
    return refusedWrapping(name, 'is encrypted for a public key (gpg), not with a passphrase')
  if (has('NEED_PASSPHRASE_SYM') && has('DECRYPTION_FAILED') && !has('PLAINTEXT'))
    return refusedWrapping(name, 'cannot be decrypted: the passphrase is wrong, or its start is damaged')
  return refusedWrapping(
    name,
    'is truncated or damaged, or has extra data after its end: gpg cannot decrypt all of it',
  )
}
