/** Every defect of evidence. `verify` reports one reason per defect; all are errors. */
export const reasons = {
  'folder-unreadable': 'the folder cannot be read',
  'folder-renamed': 'the folder does not have the name of its run',
  'folder-extra': 'the folder is not covered by the signature',
  'not-sealed': 'the run has not sealed it, or went on after it was sealed',
  'wrong-run': 'it is the evidence of another run',
  'wrong-target': 'it is the evidence of another target',
  'wrong-seal': 'it differs from what the run sealed, according to the journal',
  'file-missing': 'a file is missing',
  'file-extra': 'the file is not covered by the signature',
  'file-altered': 'the file differs from the signed one',
  'file-unreadable': 'the file cannot be read',
  'not-a-file': 'it is a link or another file without a digest',
  'sums-malformed': 'it is not a valid checksum list',
  'sums-differ': 'its checksum does not match the file',
  'journal-malformed': 'it is not a valid journal',
  'chain-broken': 'the chain of entries is broken',
  'count-differs': 'the number of entries differs from the signed one',
  'head-differs': 'the last entry differs from the signed one',
  'run-malformed': 'it is not a record of a run',
  'run-not-canonical': 'it is not canonical JSON',
  'run-differs': 'it does not match the journal',
  'report-differs': 'it does not match the journal',
  'page-differs': 'it does not match the journal',
  'junit-differs': 'it does not match the journal',
  'log-differs': 'it does not begin with the logged bytes recorded in the journal',
  'rendering-unknown': 'it was written by a newer version of this program',
  'statement-malformed': 'it is not a statement about evidence',
  'statement-not-canonical': 'it is not canonical JSON',
  'statement-type': 'it is another type of statement',
  'statement-differs': 'it does not match the record',
  'subject-missing': 'the statement does not list it',
  'subject-twice': 'the statement lists it twice',
  'digest-algorithm': 'its digest is not SHA-256',
  'signature-malformed': 'it is not a valid signature',
  'signature-wrong': 'the signature does not match',
  'signature-algorithm': 'the signature is not Ed25519 over SHA-512',
  'signature-namespace': 'it was signed for another purpose',
  'key-unknown': 'it is signed with a key that is not trusted',
  'key-expired': 'its key was no longer valid when the run ended',
  'key-not-yet-valid': 'its key was not yet valid when the run ended',
  'envelope-malformed': 'it is not an envelope with one signature',
  'payload-type': 'its payload type is not a statement',
  'payload-differs': 'its payload differs from statement.json',
  unverifiable: 'it cannot be verified completely',
} as const

export type Reason = keyof typeof reasons

export type Defect = { readonly reason: Reason; readonly file: string; readonly says: string }

/** Collects defects and their files, so that one defect is not reported again for other files. */
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

  /** Runs a check; if it throws, that is a defect too. */
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
