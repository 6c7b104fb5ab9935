import { describe, expect, it } from 'vitest'
import { gpgArguments, gpgRefusal } from '../../../src/adapters/disk/gpg-decrypt.ts'

describe("gpg's word", () => {
  const status = (...lines: readonly string[]): string => lines.map((line) => `[GNUPG:] ${line}\n`).join('')
  const good = [
    'NEED_PASSPHRASE_SYM 9 3 2',
    'BEGIN_DECRYPTION',
    'DECRYPTION_INFO 2 9 0',
    'PLAINTEXT 62 0 plain',
    'DECRYPTION_OKAY',
    'GOODMDC',
    'END_DECRYPTION',
  ]

  it('counts only when it is whole', () => {
    expect(gpgRefusal(0, status(...good), 9)).toBeNull()
    expect(gpgRefusal(0, status(...good.filter((line) => line !== 'GOODMDC')), 9)).toBeNull()
    expect(gpgRefusal(2, status(...good), 9)).not.toBeNull()
    for (const missing of ['BEGIN_DECRYPTION', 'DECRYPTION_OKAY', 'END_DECRYPTION', 'PLAINTEXT 62 0 plain']) {
      expect(gpgRefusal(0, status(...good.filter((line) => line !== missing)), 9), missing).not.toBeNull()
    }
    for (const more of ['BADMDC', 'DECRYPTION_FAILED', 'ERROR decrypt.algo 4', 'PLAINTEXT 62 0 another']) {
      expect(gpgRefusal(0, status(...good, more), 9), more).not.toBeNull()
    }
    expect(gpgRefusal(0, '', 9)).not.toBeNull()
    expect(gpgRefusal(0, status(...good, 'PLAINTEXT_LENGTH 9'), 9)).toBeNull()
    expect(gpgRefusal(0, status(...good, 'PLAINTEXT_LENGTH 10'), 9)).not.toBeNull()
  })

  it('names a public key, which no passphrase opens', () => {
    const asked = status(
      'ENC_TO 0011223344556677 1 0',
      'NO_SECKEY 0011223344556677',
      'BEGIN_DECRYPTION',
      'DECRYPTION_FAILED',
    )
    expect(gpgRefusal(2, asked, 0)?.why).toBe(
      'encrypted for a public key (0011223344556677), not with a passphrase',
    )
    // With a passphrase as well, it is the passphrase that counts.
    expect(
      gpgRefusal(2, status('ENC_TO 00 1 0', 'NEED_PASSPHRASE_SYM 9 3 2', 'DECRYPTION_FAILED'), 0)?.why,
    ).toContain('the passphrase is wrong')
  })

  it('is not forged by a file name', () => {
    expect(gpgRefusal(0, good.map((line) => `gpg: x [GNUPG:] ${line}\n`).join(''), 9)).not.toBeNull()
    expect(gpgArguments('--output=/etc/passwd', '/to').slice(-2)).toEqual(['--', '--output=/etc/passwd'])
  })
})
