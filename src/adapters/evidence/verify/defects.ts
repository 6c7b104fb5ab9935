/** Every way in which evidence can be wrong. `verify` names one for each thing that it finds wrong; none of them is a warning. */
export const reasons = {
  'folder-unreadable': 'the folder cannot be read',
  'file-missing': 'a file is missing',
  'file-extra': 'a file was put there that nobody vouches for',
  'file-altered': 'the file is not the one that was signed',
  'file-unreadable': 'the file cannot be read',
  'not-a-file': 'it is a link or something else that nobody can vouch for',
  'sums-malformed': 'it is not what sha256sum writes',
  'sums-differ': 'its sum is not that of the file',
  'journal-malformed': 'it holds something that is no journal',
  'chain-broken': 'the chain of entries is broken',
  'count-differs': 'it has another number of entries than was signed',
  'head-differs': 'its last entry is not the one that was signed',
  'run-malformed': 'it is no record of a run',
  'run-not-canonical': 'it is not written in the one canonical way',
  'run-differs': 'it says something else than the journal',
  'report-differs': 'it says something else than the journal',
  'junit-differs': 'it says something else than the journal',
  'log-differs': 'it does not begin with what the journal says was logged',
  'rendering-unknown': 'it was made by a newer version of this program',
  'statement-malformed': 'it is no statement about evidence',
  'statement-not-canonical': 'it is not written in the one canonical way',
  'statement-type': 'it is a statement about something else',
  'statement-differs': 'it says something else than the record',
  'subject-missing': 'the statement does not vouch for it',
  'subject-twice': 'the statement vouches for it twice',
  'digest-algorithm': 'it is vouched for by another digest than SHA-256',
  'signature-malformed': 'it is no signature',
  'signature-wrong': 'the signature does not fit',
  'signature-algorithm': 'it is signed in another way than Ed25519 over SHA-512',
  'signature-namespace': 'it was signed for another purpose',
  'key-unknown': 'it is signed with a key that is not trusted',
  'key-expired': 'its key was no longer valid when the run ended',
  'key-not-yet-valid': 'its key was not yet valid when the run ended',
  'envelope-malformed': 'it is no envelope with one signature',
  'payload-type': 'its payload is declared to be something else than a statement',
  'payload-differs': 'it holds another statement than statement.json',
  unverifiable: 'it could not be verified to its end',
} as const

export type Reason = keyof typeof reasons

export type Defect = { readonly reason: Reason; readonly file: string; readonly says: string }

/** Collects defects, and which files they are in: what is known to be wrong is not held against other files again. */
export class Findings {
  readonly #defects: Defect[] = []
  readonly #files = new Set<string>()

  add(reason: Reason, file: string, more = ''): void {
    this.#files.add(file)
    if (this.#defects.some((one) => one.reason === reason && one.file === file)) return
    this.#defects.push({ reason, file, says: more === '' ? reasons[reason] : `${reasons[reason]}: ${more}` })
  }

  sound(file: string): boolean {
    return !this.#files.has(file)
  }

  /** Runs a check. One that breaks off has found something, whatever it was. */
  async check(reason: Reason, file: string, work: () => Promise<void> | void): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      this.add(reason, file, thrown instanceof Error ? thrown.message : String(thrown))
    }
  }

  get all(): readonly Defect[] {
    return this.#defects
  }
}
