import type { ManifestSeal } from '../formats/backup-manifest.ts'
import { RunbookError } from '../kernel/errors.ts'
import { sha256 } from '../kernel/json.ts'

/** Keys of manifests by name, in place of real ones. */
export type FakeKeys = {
  /** The key that signs here. */
  own: string
  /** The keys whose signatures count. Empty: no keys are known. */
  readonly trusted: Set<string>
}

export const fakeKeys = (own = 'SHA256:pretended'): FakeKeys => ({ own, trusted: new Set([own]) })

/** Signatures that name their key, so that a test can see who signed what. */
export function fakeSeal(keys: FakeKeys): ManifestSeal {
  const signatureBy = (key: string, payload: Uint8Array): string => `signed by ${key}: ${sha256(payload)}\n`
  const again = 'fetch the backup again with its manifest and signature, or choose another backup'
  return {
    sign: async (payload) => signatureBy(keys.own, payload),
    async check(payload, signature) {
      if (keys.trusted.size === 0)
        throw new RunbookError('usage', 'cannot verify manifests of backups: no key is trusted', {
          hint: 'add a trusted key',
        })
      const key = /^signed by (.+): [0-9a-f]{64}\n$/.exec(signature)?.[1]
      if (key === undefined) return { refused: 'it is not a valid signature', hint: again }
      if (signature !== signatureBy(key, payload))
        return { refused: 'the signature does not match', hint: again }
      if (keys.trusted.has(key)) return { key }
      return {
        refused: `it is signed with a key that is not trusted: ${key}`,
        untrusted: true,
        hint: 'add its key if you trust the machine that made it',
      }
    },
  }
}
