import {
  defineStep,
  expectedOf,
  isPending,
  mustBeHere,
  openingOf,
  say,
  takenText,
  whenTaken,
  type Backup,
  type BackupPlace,
  type Finding,
  type Look,
  type SecretHandle,
  type Verified,
} from '../../src/index.ts'
import { choose, maybeNewer } from './lib/choose-backup.ts'
import { mustBeOf, voucher, type OwnSource } from './lib/source.ts'
import { digestCommand } from '../files/lib/checksum-command.ts'
import { requireDatabase } from './lib/database-file.ts'
import { ageOf } from '../databases/lib/age.ts'
import { cipherOf } from '../files/lib/cipher.ts'

type Input = {
  readonly from: BackupPlace
  /** The file to take; null takes the newest. */
  readonly file: string | null
  /** Given where the run decrypts the chosen backup next. Not required where that backup is not encrypted. */
  readonly passphrase?: SecretHandle | null
  /** The live folder that a manifest must name; left out or null, any. */
  readonly folder?: string | null
  /** What a manifest must be of where its system is not known, as of a database in a volume. */
  readonly kind?: OwnSource['kind']
  /** Given where the backup replaces live data: the objective that its age is compared with; null for none. */
  readonly rpoSeconds?: number | null
}

/** A backup that matches its manifest or checksum. */
export type VerifiedBackup = Verified & {
  /** What vouches for it, in words. */
  readonly vouched: string
  /** When it was taken, as far as it is known; missing in older journals. */
  readonly taken: string
}

/** Chooses a backup, reads it to its last byte and compares it with its signed manifest, or its checksum. */
export const verifyBackup = defineStep<Input, VerifiedBackup>({
  kind: 'backups.verify',
  version: 1,
  effect: 'observe',
  describe: ({ from, file }) => {
    const backup = file === null ? `the newest ${isPending(from) ? 'backup' : from.pattern}` : say`${file}`
    return `Reads ${backup}${isPending(from) ? '' : ` from ${from.directory}`} and compares it with its signed manifest or checksum.`
  },
  secrets: () => [],
  preflight: async (look, { from, file, passphrase, folder, kind }) => {
    if (!isPending(from)) mustBeHere(from)
    if (isPending(from) || isPending(file) || isPending(folder) || isPending(kind)) return []
    const backup = await choose(look, from, { file, takenBefore: null })
    const expected = await expectedOf(look, from, backup)
    await mustBeOwn(from, backup, expected, { folder, kind })
    if (kind === 'sqlite') await mustHoldDatabase(look, from, backup)
    return [
      ...(file === null ? await maybeNewer(look, from, backup, null) : []),
      ...tooOld(look, from, backup, file !== null),
      ...(passphrase === undefined || isPending(passphrase)
        ? []
        : await undecipherable(look, backup, passphrase)),
    ]
  },
  marks: { dataAsOf: (backup) => backup.takenAt },
  run: async (look, { from, file, folder, kind, rpoSeconds }) => {
    mustBeHere(from)
    const verified = await look.backups.verify(from, await choose(look, from, { file, takenBefore: null }))
    await mustBeOwn(from, verified, verified, { folder, kind })
    if (kind === 'sqlite') await mustHoldDatabase(look, from, verified)
    const vouched = voucher(verified)
    look.note(
      `${verified.name}: ${verified.bytes} bytes, sha256 ${verified.sha256}, ${whenTaken(verified)}; vouched for by ${vouched}`,
    )
    if (rpoSeconds !== undefined)
      look.note(`${verified.name}: age ${ageOf(verified.takenAt, look.clock.now(), rpoSeconds)}`)
    look.note(`to check it by hand: ${digestCommand(verified.file, verified.sha256)}`)
    return { ...verified, vouched, taken: takenText(verified) }
  },
})

/** What is in an encrypted one is only known once it was decrypted. */
async function mustHoldDatabase(
  look: Look,
  from: BackupPlace,
  { file, name }: Pick<Backup, 'file' | 'name'>,
): Promise<void> {
  if (cipherOf(name) === 'gpg') return
  requireDatabase(file, await look.databases.header({ engine: 'sqlite' }, file, openingOf(from)))
}

async function mustBeOwn(
  from: BackupPlace,
  backup: { readonly file: string },
  expected: Parameters<typeof mustBeOf>[2],
  { folder, kind }: { readonly folder: Input['folder']; readonly kind: Input['kind'] },
): Promise<void> {
  const own: OwnSource | null =
    folder !== undefined && folder !== null
      ? { kind: 'folder', system: folder }
      : kind === undefined
        ? null
        : { kind, system: null }
  if (own !== null) await mustBeOf(from, backup, expected, async () => own)
}

function tooOld(look: Look, from: BackupPlace, backup: Backup, requested: boolean): readonly Finding[] {
  const ageSeconds = (look.clock.now().getTime() - Date.parse(backup.takenAt)) / 1000
  if (ageSeconds <= from.maxAgeSeconds) return []
  const [age, limit] = [ageSeconds, from.maxAgeSeconds].map((seconds) => (seconds / 86_400).toFixed(1))
  const problem = `${backup.file} was ${whenTaken(backup)}, ${age} days ago; at most ${limit} are allowed`
  return [
    {
      level: requested ? 'warn' : 'refuse',
      about: backup.name,
      problem,
      hint: 'find out why no newer one arrived',
    },
  ]
}

/** Refusals for a backup that this machine cannot decrypt; none where it is not encrypted. */
export async function undecipherable(
  look: Look,
  { name }: Pick<Backup, 'name'>,
  passphrase: SecretHandle | null,
): Promise<readonly Finding[]> {
  const cipher = cipherOf(name)
  if (cipher === null) return []
  const refuse = (problem: string, hint: string): Finding => ({ level: 'refuse', about: name, problem, hint })
  const found: Finding[] = []
  if (cipher === 'gpg' && (await look.commands.version('gpg')) === null)
    found.push(refuse(`${name} is encrypted, and gpg is not installed`, 'install gpg'))
  if (cipher === 'age') {
    const facts = await look.commands.package('age-encryption')
    if ('install' in facts)
      found.push(
        refuse(
          `${name} is encrypted, and the npm package age-encryption is not installed`,
          `install it: ${facts.install}`,
        ),
      )
  }
  if (passphrase === null)
    found.push(
      refuse(
        `${name} is encrypted, and no passphrase is configured`,
        "set data.passphrase in runbook.config.ts to secret('VARIABLE')",
      ),
    )
  else if (!(await look.secrets.available(passphrase))) {
    const where =
      'env' in passphrase.from ? `the variable ${passphrase.from.env}` : `the file ${passphrase.from.file}`
    found.push(
      refuse(
        `${name} is encrypted, and secret ${passphrase.secret} is not available: ${where} is missing or shorter than 8 bytes`,
        `set ${where} and start again`,
      ),
    )
  }
  return found
}
