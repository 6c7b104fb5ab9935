import { closeSync, fsyncSync, openSync } from 'node:fs'
import type { Head } from '../../run/journal/hash-chain.ts'
import { soonMilliseconds } from '../../run/journal/journal.ts'
import type { HeadFile } from './head.ts'

/**
 * Entries that are committed without a sync. Their head is written after the sync only: on disk before them, it
 * would make them look lost after a power cut.
 */
export class LateSync {
  readonly #wal: string
  readonly #failed: (thrown: unknown) => void
  /** Kept open, since a failed write-back is reported to the files that were open when it happened. */
  #file: number | null = null
  #waiting: { readonly newest: Head; readonly file: HeadFile } | null = null
  #timer: NodeJS.Timeout | null = null

  /** @param failed called instead of throwing where no caller waits */
  constructor(database: string, failed: (thrown: unknown) => void) {
    this.#wal = `${database}-wal`
    this.#failed = failed
  }

  /** To be called before the commit. */
  prepare(): void {
    this.#file ??= openSync(this.#wal, 'r+')
  }

  add(newest: Head, file: HeadFile): void {
    this.#waiting = { newest, file }
    this.#timer ??= setTimeout(() => {
      try {
        this.now()
      } catch (thrown) {
        this.#failed(thrown)
      }
    }, soonMilliseconds).unref()
  }

  /** A commit that was synced has synced all before it, since they are in one file. */
  covered(): void {
    this.#waiting = null
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Durable when it returns. */
  now(): void {
    const waiting = this.#waiting
    this.covered()
    if (waiting === null || this.#file === null) return
    fsyncSync(this.#file)
    waiting.file.write(waiting.newest)
  }

  close(): void {
    this.covered()
    if (this.#file !== null) closeSync(this.#file)
    this.#file = null
  }
}
