import {
  closeSync,
  constants,
  fchmodSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { sha256 } from '../../kernel/json.ts'
import type { Head } from '../../run/journal/hash-chain.ts'
import { syncFolderNow } from '../disk/durable.ts'

const recordBytes = 512
/** Two slots in separate blocks, written in turn: a torn write damages only the older record. */
const slots = [0, 4096] as const
type Slot = (typeof slots)[number]
const fullBytes = slots[1] + recordBytes

/** One text line with its own checksum. */
export function headRecord(run: string, head: Head): Buffer {
  const line = `runbook-head 1 ${run} ${head.seq} ${head.hash}`
  const record = Buffer.alloc(recordBytes)
  record.write(`${line} ${sha256(line)}\n`)
  return record
}

/** Null for an empty, torn or foreign record. */
export function parseHead(record: Buffer, run: string): Head | null {
  const end = record.indexOf('\n')
  const [kind, version, of, seq, hash, ...rest] = record
    .subarray(0, Math.max(end, 0))
    .toString('latin1')
    .split(' ')
  if (
    kind !== 'runbook-head' ||
    version !== '1' ||
    of !== run ||
    seq === undefined ||
    hash === undefined ||
    rest.length !== 1
  )
    return null
  const head = { seq: Number(seq), hash }
  return headRecord(run, head)
    .subarray(0, end + 1)
    .equals(record.subarray(0, end + 1))
    ? head
    : null
}

type NewestHead = { readonly head: Head | null; readonly older: Slot }

function newest(file: number, run: string): NewestHead {
  const [first, second] = slots.map((at) => {
    const record = Buffer.alloc(recordBytes)
    readSync(file, record, 0, recordBytes, at)
    return parseHead(record, run)
  })
  if (first && (!second || first.seq > second.seq)) return { head: first, older: slots[1] }
  return { head: second ?? null, older: slots[0] }
}

/** `missing`: no entry of this run was begun. Null: none was acknowledged, or both records are damaged. */
export function readHead(path: string, run: string): Head | null | 'missing' {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return 'missing'
    throw thrown
  }
  try {
    return newest(file, run).head
  } finally {
    closeSync(file)
  }
}

/** Whether an entry of this run was ever acknowledged. */
export function isAcknowledged(path: string, run: string): boolean {
  const head = readHead(path, run)
  return head !== null && head !== 'missing'
}

/** The head of the run being written: it shows a lost tail, which SQLite cannot detect. */
export class HeadFile {
  readonly run: string
  readonly #file: number
  #newest: NewestHead

  /**
   * Creates the file at its full size before the first entry, so that no later write can run out of space.
   */
  constructor(path: string, run: string) {
    this.run = run
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
    try {
      const { size } = fstatSync(this.#file)
      if (size < fullBytes) {
        fchmodSync(this.#file, 0o600)
        writeAll(this.#file, Buffer.alloc(fullBytes - size), size)
        fsyncSync(this.#file)
        syncFolderNow(dirname(path))
      }
      this.#newest = newest(this.#file, run)
    } catch (thrown) {
      closeSync(this.#file)
      throw thrown
    }
  }

  get head(): Head | null {
    return this.#newest.head
  }

  /** Durable when it returns. */
  write({ seq, hash }: Head): void {
    const head = { seq, hash }
    const { older } = this.#newest
    writeAll(this.#file, headRecord(this.run, head), older)
    fdatasyncSync(this.#file)
    this.#newest = { head, older: older === slots[0] ? slots[1] : slots[0] }
  }

  close(): void {
    closeSync(this.#file)
  }
}

/**
 * write(2) may write less than requested, for example on a full disk; the next call then reports the error.
 */
function writeAll(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(file, bytes, done, bytes.length - done, at + done)
}
