import type { LogFile } from './entry.ts'

/** Stores the evidence of runs. */
export interface Evidence {
  /** Opens the new or existing folder of a run. @throws RunbookError `preflight` if it cannot be written */
  open(folder: string): Promise<EvidenceFolder>
}

export interface EvidenceFolder {
  readonly folder: string
  /** The log of one step or of its undo; appends if it exists. */
  log(name: string): Promise<StepLog>
  /**
   * Writes the files, their checksums and the signed statement; durable when it returns. Idempotent: the same
   * files give the same digest.
   * @returns the digest of the statement's payload
   */
  seal(files: readonly EvidenceFile[]): Promise<string>
  /**
   * Takes the seal away before a run goes on, so that evidence in the making is not taken for forged. The
   * journal keeps the digest of what was sealed. Idempotent; durable when it returns.
   */
  unseal(): Promise<void>
  /** Removes the folder of a run that could not begin, unless something is in it. */
  discard(): Promise<void>
}

export type EvidenceFile = { readonly name: string; readonly body: string }

export interface StepLog {
  /** Bytes with secrets already masked. Beyond the size limit the middle is left out and counted. */
  write(chunk: Uint8Array): void
  /**
   * Durable when it returns; null if the log is empty. Never rejects: a failure to write is reported in
   * `problem`, so that the outcome of a step is not lost with its output.
   */
  finish(): Promise<LogFile | null>
}

/** A folder with nothing written to its logs, for looks that may have no run to record them. */
export const unlogged = (folder: EvidenceFolder): EvidenceFolder => ({
  folder: folder.folder,
  log: async () => ({ write: () => undefined, finish: async () => null }),
  seal: (files) => folder.seal(files),
  unseal: () => folder.unseal(),
  discard: () => folder.discard(),
})
