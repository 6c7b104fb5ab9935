import type { LogFile } from './entry.ts'

/** The folder that a run leaves. */
export interface Evidence {
  /** Opens the folder of a run, new or continued. @throws RunbookError `preflight` where it cannot be written. */
  open(folder: string): Promise<EvidenceFolder>
}

export interface EvidenceFolder {
  readonly folder: string
  /** The log of one step, or of its undo; continued where it exists already. */
  log(name: string): Promise<StepLog>
  /**
   * Writes the files, their checksums and the signed statement; durable when it returns. Repeatable: the same files give the same digest.
   * @returns the digest of the statement's payload
   */
  seal(files: readonly EvidenceFile[]): Promise<string>
}

export type EvidenceFile = { readonly name: string; readonly body: string }

export interface StepLog {
  /** Bytes as they came, secrets masked. Past its limit the middle is left out and counted. */
  write(chunk: Uint8Array): void
  /**
   * Durable when it returns; null when the log is empty. Never rejects: a log that could not be written says so in `problem`,
   * so that the outcome of a step is not lost with its output.
   */
  finish(): Promise<LogFile | null>
}
