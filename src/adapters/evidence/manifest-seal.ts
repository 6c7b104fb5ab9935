import { join } from 'node:path'
import type { Files } from '../../drivers/files.ts'
import type { ManifestSeal } from '../../formats/backup-manifest.ts'
import { failureOf, RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { trustedKeys, type TrustedKey } from './allowed-signers.ts'
import { fingerprint } from './ed25519.ts'
import { keyFiles, signingKey } from './signing-key.ts'
import { readSshSignature, sshSign } from './sshsig.ts'
import { Findings } from './verify/defects.ts'
import { checkSignature } from './verify/signatures.ts'

/**
 * Signs manifests of backups with the key of this machine's evidence, and trusts the keys that evidence trusts.
 * @param state the state folder; absolute
 */
export function manifestSeal(state: string, files: Files): ManifestSeal {
  return {
    sign: async (payload) => sshSign(payload, await signingKey(state, files)),
    async check(payload, signature, at) {
      const list = join(state, keyFiles.trusted)
      const trusted = await keysIn(list, files)
      const found = new Findings()
      await found.check('signature-malformed', '', () =>
        checkSignature(found, payload, signature, trusted, at),
      )
      const [defect] = found.all
      if (defect === undefined) return { key: fingerprint(readSshSignature(signature).key) }
      return {
        refused: defect.says,
        untrusted: defect.reason === 'key-unknown',
        hint: defect.reason.startsWith('key-')
          ? `if you trust the machine that made it, add its key (allowed_signers in the state folder there): ${shellWord(list)}`
          : 'fetch the backup again with its manifest and signature, or choose another backup',
      }
    },
  }
}

async function keysIn(list: string, files: Files): Promise<readonly TrustedKey[]> {
  try {
    return trustedKeys(Buffer.from(await files.read(list, 1 << 20)).toString('utf8'), list)
  } catch (thrown) {
    throw new RunbookError('usage', `cannot verify manifests of backups: ${failureOf(thrown).message}`, {
      hint: `add the public keys of the machines that sign backups (allowed_signers in the state folder there) to ${shellWord(list)}`,
      cause: thrown,
    })
  }
}
