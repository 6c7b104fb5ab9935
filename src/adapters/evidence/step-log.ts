import { createHash, type Hash } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  fstatSync,
  fsyncSync,
  lstatSync,
  readFileSync,
  unlinkSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { RedactingStream } from '../../kernel/redact.ts'
import type { LogFile } from '../../run/journal/entry.ts'
import { createPiece, openLog, piecesIn, writeAll, type OpenLog } from './log-file.ts'
import { reason, systemCode } from './errors.ts'

/** How much output of an attempt is kept: the first bytes, and the last one or two pieces. Bytes. */
export type LogLimits = { readonly head: number; readonly piece: number }

type Piece = { readonly fd: number; readonly number: number; room: number }

export const logLimits: LogLimits = { head: 32 << 20, piece: 16 << 20 }

/**
 * An append-only file of a step's output. Output past the limit goes into pieces beside it, of which the last
 * two are kept; their numbers tell how much was dropped, so another process can finish after a kill. Memory
 * stays constant: every chunk is written before the next is accepted.
 */
export class LogFileWriter {
  readonly #path: string
  readonly #file: string
  readonly #limits: LogLimits
  readonly #mask: RedactingStream
  readonly #hash: Hash = createHash('sha256')
  #total = 0
  #written = 0
  #log: OpenLog | null = null
  #piece: Piece | null = null
  #problem: string | null = null

  /**
   * @param file relative to the folder, as in the record
   * @param left an attempt that did not finish may have left pieces beside it
   */
  constructor(folder: string, file: string, limits: LogLimits, mask: RedactingStream, left: boolean) {
    this.#path = join(folder, file)
    this.#file = file
    this.#limits = limits
    this.#mask = mask
    if (left) this.#attempt(() => this.#join())
    this.#written = 0
  }

  write(chunk: Uint8Array): void {
    this.#keep(this.#mask.push(chunk))
  }

  /** Never rejects: see the port. */
  async finish(): Promise<LogFile | null> {
    this.#keep(this.#mask.end())
    if (this.#piece !== null) this.#attempt(() => this.#join())
    this.#closePiece()
    if (this.#total === 0 && this.#log === null && this.#problem === null)
      this.#attempt(() => this.#openExisting())
    const kept = await this.#settle()
    if (kept.bytes === 0 && this.#total === 0 && this.#problem === null) return null
    const leftOut = this.#problem === null && this.#written < this.#total
    return {
      file: this.#file,
      ...kept,
      ...(leftOut ? { whole: { bytes: this.#total, sha256: this.#hash.digest('hex') } } : {}),
      ...(this.#problem === null ? {} : { problem: this.#problem }),
    }
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#hash.update(bytes)
    this.#total += bytes.length
    this.#attempt(() => this.#store(bytes))
  }

  /** The first error stops the writing; the output is still counted. */
  #attempt(work: () => void): void {
    if (this.#problem !== null) return
    try {
      work()
    } catch (thrown) {
      this.#problem = `the log is incomplete: ${reason(thrown)}`
    }
  }

  #store(bytes: Uint8Array): void {
    let rest = bytes
    const room = this.#limits.head - this.#written
    if (room > 0) {
      this.#append(rest.subarray(0, room))
      rest = rest.subarray(room)
    }
    while (rest.length > 0) {
      const piece = this.#piece === null || this.#piece.room === 0 ? this.#nextPiece() : this.#piece
      const part = rest.subarray(0, piece.room)
      writeAll(piece.fd, part)
      piece.room -= part.length
      rest = rest.subarray(part.length)
    }
  }

  #append(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#log ??= openLog(this.#path, true)
    writeAll(this.#log.fd, bytes)
    this.#written += bytes.length
  }

  #openExisting(): void {
    // Most steps write nothing, and an error costs more than the look.
    if (lstatSync(this.#path, { throwIfNoEntry: false }) === undefined) return
    try {
      this.#log = openLog(this.#path, false)
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOENT') throw thrown
    }
  }

  #nextPiece(): Piece {
    const number = (this.#piece?.number ?? 0) + 1
    this.#closePiece()
    if (number > 2) unlinkSync(this.#pieceName(number - 2))
    this.#piece = { fd: createPiece(this.#pieceName(number)), number, room: this.#limits.piece }
    return this.#piece
  }

  #closePiece(): void {
    if (this.#piece !== null) closeSync(this.#piece.fd)
    this.#piece = null
  }

  /** Appends the pieces to the file, after a mark of how many bytes were dropped. */
  #join(): void {
    this.#closePiece()
    const numbers = piecesIn(dirname(this.#path)).get(basename(this.#path)) ?? []
    const dropped = ((numbers[0] ?? 1) - 1) * this.#limits.piece
    if (dropped > 0) this.#mark(`\n[runbook: ${dropped} bytes are left out here]\n`)
    for (const number of numbers) {
      this.#append(readFileSync(this.#pieceName(number)))
      unlinkSync(this.#pieceName(number))
    }
  }

  #mark(text: string): void {
    const before = this.#written
    this.#append(Buffer.from(text))
    this.#written = before
  }

  #pieceName(number: number): string {
    return `${this.#path}.part-${number}`
  }

  async #settle(): Promise<{ readonly bytes: number; readonly sha256: string }> {
    const hash = createHash('sha256')
    let bytes = 0
    if (this.#log === null) return { bytes, sha256: hash.digest('hex') }
    const { fd, made } = this.#log
    try {
      fsyncSync(fd)
      // All of it went through this writer, which need not read it again.
      if (made && this.#written === this.#total && fstatSync(fd).size === this.#total)
        return { bytes: this.#total, sha256: this.#hash.digest('hex') }
      for await (const chunk of createReadStream('', {
        fd,
        start: 0,
        autoClose: false,
        highWaterMark: 1 << 20,
      })) {
        hash.update(chunk as Buffer)
        bytes += (chunk as Buffer).length
      }
    } catch (thrown) {
      this.#problem ??= `cannot sync the log: ${reason(thrown)}`
    } finally {
      this.#log = null
      closeSync(fd)
    }
    return { bytes, sha256: hash.digest('hex') }
  }
}
