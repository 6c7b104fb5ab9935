import { defineStep, isPending, say, type BackupPlace, type Verified } from '../../src/index.ts'
import { choose } from './choose.ts'

type Input = {
  readonly from: BackupPlace
  /** The file to take; null takes the newest. */
  readonly file: string | null
}

/** Chooses a backup, hashes all of it and compares it with its checksum. */
export const verifyBackup = defineStep<Input, Verified>({
  kind: 'backups.verify',
  version: 1,
  effect: 'observe',
  describe: ({ from, file }) =>
    `Reads ${file === null ? `the newest ${isPending(from) ? 'backup' : from.pattern}` : say`${file}`}${isPending(from) ? '' : ` from ${from.directory}`} and compares it with its checksum.`,
  preflight: async (look, { from, file }) => {
    if (isPending(from) || isPending(file)) return []
    const backup = await choose(look, from, { file, takenBefore: null })
    const ageSeconds = (look.clock.now().getTime() - Date.parse(backup.takenAt)) / 1000
    if (ageSeconds <= from.maxAgeSeconds) return []
    const problem = `${backup.file} was taken ${backup.takenAt}, ${(ageSeconds / 86_400).toFixed(1)} days ago; at most ${(from.maxAgeSeconds / 86_400).toFixed(1)} are allowed`
    return [{ level: file === null ? 'refuse' : 'warn', about: backup.name, problem, hint: 'find out why no newer one arrived' }]
  },
  marks: { dataAsOf: (backup) => backup.takenAt },
  run: async (look, { from, file }) => {
    const verified = await look.backups.verify(from, await choose(look, from, { file, takenBefore: null }))
    look.note(`${verified.name}: ${verified.bytes} bytes, sha256 ${verified.sha256}, taken ${verified.takenAt}`)
    return verified
  },
})
