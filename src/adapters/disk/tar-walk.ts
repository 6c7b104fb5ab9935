import { ArchiveRefused, blockBytes, headerOf, quoted, utf8, type Header } from './tar-header.ts'
import { overrideOf, refuseGlobal, type Override } from './tar-pax.ts'

/** The parts of an archive, in order. */
export type TarEvent =
  | { readonly kind: 'member'; readonly member: Header }
  /** A chunk of the content of the last member. */
  | { readonly kind: 'content'; readonly bytes: Buffer }
  | { readonly kind: 'end of member' }
  /** Every byte up to the end mark, once, for the second reader; an extended header always in one chunk. */
  | { readonly kind: 'raw'; readonly bytes: Buffer }

/** Bounds memory; longer names and attributes do not occur. Bytes. */
const maxExtended = 1024 * 1024
/** tar pads to tape records, 10 KiB by default. */
const maxPadding = 16 * 1024 * 1024

type Extended = { readonly type: string; readonly header: Buffer; readonly bytes: number }

/**
 * Parses a tar archive strictly, chunk by chunk. node-tar alone accepts too much: data after the end mark
 * (which it keeps in memory), a missing end mark, sparse files; and it breaks a long name where a chunk ends
 * within a character.
 * @throws ArchiveRefused
 */
export class TarWalk {
  #held: Buffer = Buffer.alloc(0)
  #override: Override = {}
  #longName: string | null = null
  #longLink = false
  #extended: Extended | null = null
  #content = 0
  #padding = 0
  #within = ''
  #zeroBlocks = 0
  #zeros = 0

  /** Call at the end of the input. */
  finish(): void {
    if (this.#content > 0 || this.#padding > 0)
      throw new ArchiveRefused(`it is truncated within ${quoted(this.#within)}`)
    if (this.#zeroBlocks < 2) throw new ArchiveRefused('it is truncated: no end mark')
  }

  *push(chunk: Buffer): Generator<TarEvent> {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    for (;;) {
      if (this.#zeroBlocks === 2) {
        this.#held = Buffer.alloc(0)
        return this.#pastEnd(bytes)
      }
      const needed = this.#extended?.bytes ?? (this.#content > 0 || this.#padding > 0 ? 1 : blockBytes)
      if (bytes.length < needed) break
      const taken =
        this.#extended !== null
          ? yield* this.#readExtended(this.#extended, bytes)
          : needed === 1
            ? yield* this.#readContent(bytes)
            : yield* this.#readHeader(bytes)
      bytes = bytes.subarray(taken)
    }
    this.#held = Buffer.from(bytes)
  }

  *#readHeader(bytes: Buffer): Generator<TarEvent, number> {
    const block = bytes.subarray(0, blockBytes)
    const header = headerOf(block)
    if (header === null) {
      this.#zeroBlocks++
      if (this.#pending) throw new ArchiveRefused('it ends after an extended header without a member')
      yield { kind: 'raw', bytes: block }
      return blockBytes
    }
    if (this.#zeroBlocks > 0) throw new ArchiveRefused('extra data after its end mark')
    if ('xgLK'.includes(header.type)) {
      if (header.size > maxExtended)
        throw new ArchiveRefused(`an extended header is larger than ${maxExtended} bytes`)
      this.#extended = { type: header.type, header: Buffer.from(block), bytes: padded(header.size) }
      this.#content = header.size
      this.#within = 'an extended header'
      return blockBytes
    }
    const member = this.#overridden(header)
    if (member.type === '5' && member.size > 0)
      throw new ArchiveRefused(`${quoted(member.name)} is a folder with content`)
    this.#within = member.name
    this.#content = member.size
    this.#padding = padded(member.size) - member.size
    yield { kind: 'member', member }
    yield { kind: 'raw', bytes: block }
    if (member.size === 0) yield { kind: 'end of member' }
    return blockBytes
  }

  get #pending(): boolean {
    return this.#longName !== null || this.#longLink || Object.keys(this.#override).length > 0
  }

  #overridden(header: Header): Header {
    const { path, ...others } = this.#override
    if (path !== undefined && this.#longName !== null)
      throw new ArchiveRefused(`a member is named twice, ${quoted(path)} and ${quoted(this.#longName)}`)
    const name = path ?? this.#longName ?? header.name
    this.#override = {}
    this.#longName = null
    this.#longLink = false
    // Before there was a type for folders, a trailing slash marked one.
    return { ...header, ...others, name, type: header.type === '0' && name.endsWith('/') ? '5' : header.type }
  }

  *#readExtended(extended: Extended, bytes: Buffer): Generator<TarEvent, number> {
    const body = bytes.subarray(0, this.#content)
    if (extended.type === 'g') refuseGlobal(body)
    else if (extended.type === 'K') this.#longLink = true
    else if (extended.type === 'L') {
      if (this.#longName !== null) throw new ArchiveRefused('a member has two long names')
      const end = body.indexOf(0)
      if (end >= 0 && body.subarray(end).some((byte) => byte !== 0))
        throw new ArchiveRefused('a long name hides bytes after its end')
      this.#longName = utf8(end < 0 ? body : body.subarray(0, end), 'name')
    } else {
      if (Object.keys(this.#override).length > 0)
        throw new ArchiveRefused('a member has two extended headers')
      this.#override = overrideOf(body)
    }
    yield { kind: 'raw', bytes: Buffer.concat([extended.header, bytes.subarray(0, extended.bytes)]) }
    this.#extended = null
    this.#content = 0
    return extended.bytes
  }

  *#readContent(bytes: Buffer): Generator<TarEvent, number> {
    const content = bytes.subarray(0, Math.min(this.#content, bytes.length))
    const padding = Math.min(this.#padding, bytes.length - content.length)
    this.#content -= content.length
    this.#padding -= padding
    yield { kind: 'raw', bytes: bytes.subarray(0, content.length + padding) }
    if (content.length > 0) yield { kind: 'content', bytes: content }
    if (content.length > 0 && this.#content === 0) yield { kind: 'end of member' }
    return content.length + padding
  }

  #pastEnd(bytes: Buffer): void {
    this.#zeros += bytes.length
    if (bytes.some((byte) => byte !== 0)) throw new ArchiveRefused('extra data after its end mark')
    if (this.#zeros > maxPadding)
      throw new ArchiveRefused(`more than ${maxPadding} zeros follow its end mark`)
  }
}

const padded = (size: number): number => Math.ceil(size / blockBytes) * blockBytes
