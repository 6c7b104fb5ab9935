import { defineStep, type Look, type SecretHandle } from '../../src/index.ts'
import { lacking, observationsOfFailure, type Observed, type Observation } from './lib/observations.ts'

type Input = {
  /** The backups are encrypted, so gpg is required. */
  readonly encrypted: boolean
  readonly passphrase: SecretHandle | null
  readonly envFiles: readonly string[]
  /** Files of the stack. Each should have a copy `FILE.bak`, and so should Docker's own settings. */
  readonly stackFiles: readonly string[]
}

const daemonSettings = '/etc/docker/daemon.json'

/**
 * Checks what a recovery requires on this machine: gpg and its passphrase, env files, and backup copies of
 * settings files.
 */
export const inspectHost = defineStep<Input, Observed>({
  kind: 'diagnose.look-at-host',
  version: 1,
  effect: 'observe',
  secrets: lacking,
  timeoutSeconds: 60,
  describe: () =>
    'Checks for gpg and its passphrase where backups are encrypted, for env files, and for copies of settings files.',
  run: async (look, { encrypted, passphrase, envFiles, stackFiles }) => {
    try {
      return {
        sights: [
          ...(encrypted ? await inspectEncryption(look, passphrase) : []),
          ...(await missingFiles(look, envFiles)),
          ...(await withoutCopy(look, stackFiles)),
        ],
      }
    } catch (thrown) {
      look.signal.throwIfAborted()
      return { sights: observationsOfFailure(thrown, 'host-unread') }
    }
  },
})

async function inspectEncryption(
  look: Look,
  passphrase: SecretHandle | null,
): Promise<readonly Observation[]> {
  const gpg = (await look.commands.version('gpg')) === null ? ['gpg is not installed, or not on PATH'] : []
  const key =
    passphrase === null || (await look.secrets.available(passphrase))
      ? []
      : [`the passphrase ${passphrase.secret} is not available`]
  return [...gpg, ...key].map((evidence) => ({ case: 'gpg-fails', evidence }))
}

async function missingFiles(look: Look, files: readonly string[]): Promise<readonly Observation[]> {
  const observations: Observation[] = []
  for (const file of files)
    if ((await look.files.stat(file)) === null)
      observations.push({ case: 'configuration-bad', evidence: `env file ${file} not found` })
  return observations
}

async function withoutCopy(look: Look, files: readonly string[]): Promise<readonly Observation[]> {
  const observations: Observation[] = []
  for (const file of files.length === 0 ? [] : [...files, daemonSettings]) {
    if ((await look.files.stat(file)) === null) continue
    if ((await look.files.stat(`${file}.bak`)) === null)
      observations.push({ case: 'no-way-back', evidence: `${file}.bak not found` })
  }
  return observations
}
