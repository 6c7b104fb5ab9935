import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, normalize } from 'node:path'
import { ArchiveRefused, quoted } from '../../disk/tar-header.ts'
import { TarWalk, type TarEvent } from '../../disk/tar-walk.ts'
import type { Wanted } from '../../unwrap/unwrap.ts'
import type { Bytes } from '../../unwrap/unwrapping.ts'
import { MembersRefused, type Members, type OpenMember } from './custom-stream.ts'

/** What pg_dump -Ft adds for readers, and what may vouch for a folder. */
const ofNoUse = /^(?:restore\.sql|(?:SHA256SUMS|sha256sums?\.txt|.*\.sha256|.*\.manifest\.json)(?:\.\w+)?)$/

type Event = Exclude<TarEvent, { readonly kind: 'raw' }>

/**
 * The members of a tar archive, which is read once. pg_dump -Ft writes them in the order in which they are read; tar packs
 * a folder in any order, so what comes too early is kept in a file without a name, of which a kill leaves nothing.
 */
export class TarMembers implements Members {
  readonly #events: AsyncGenerator<Event, void, undefined>
  readonly #held = new Map<string, { readonly start: number; readonly end: number }>()
  readonly #known = new Set<string>()
  readonly #holds: boolean
  #folder: string | null = null
  #file: FileHandle | null = null
  #length = 0

  /** @param wanted for the start of a dump, files before its table of contents are skipped */
  constructor(tar: Bytes, wanted: Wanted) {
    this.#events = eventsOf(tar)
    this.#holds = wanted === 'all'
  }

  /** Bytes that came too early, and were kept in a file. */
  get kept(): number {
    return this.#length
  }

  async open(names: readonly string[]): Promise<OpenMember | null> {
    for (const name of names) {
      const place = this.#held.get(name)
      if (place === undefined) continue
      this.#held.delete(name)
      return { name, bytes: this.#read(place) }
    }
    for (;;) {
      const name = await this.#next()
      if (name === null) return null
      if (names.includes(name)) return { name, bytes: this.#content() }
      await this.#hold(name)
    }
  }

  async end(): Promise<void> {
    for (let name = await this.#next(); name !== null; name = await this.#next())
      this.#held.set(name, { start: 0, end: 0 })
    const [extra] = [...this.#held.keys()].filter((name) => !ofNoUse.test(name))
    if (extra === undefined) return
    throw new MembersRefused({
      refused: `it has ${quoted(extra)}, which its table of contents does not name`,
      hint: 'choose another dump, or pack the folder of pg_dump by itself',
    })
  }

  async close(): Promise<void> {
    await this.#events.return()
    await this.#file?.close()
  }

  /** The name of the next file, in the one folder that all are in. */
  async #next(): Promise<string | null> {
    for (;;) {
      const { done, value } = await this.#events.next()
      if (done === true) return null
      // The rest of a member that nobody read to its end.
      if (value.kind !== 'member' || value.member.type === '5') continue
      const { name, type } = value.member
      if (type !== '0') throw new ArchiveRefused(`${quoted(name)} is not a regular file`)
      const path = normalize(name)
      this.#folder ??= dirname(path)
      if (dirname(path) !== this.#folder)
        throw new ArchiveRefused(`${quoted(name)} is in another folder than the first file`)
      const file = basename(path)
      if (this.#known.has(file)) throw new ArchiveRefused(`${quoted(name)} occurs twice`)
      this.#known.add(file)
      return file
    }
  }

  async *#content(): Bytes {
    for (;;) {
      const { done, value } = await this.#events.next()
      if (done === true || value.kind !== 'content') return
      yield value.bytes
    }
  }

  async #hold(name: string): Promise<void> {
    const start = this.#length
    if (!this.#holds || ofNoUse.test(name)) return
    this.#file ??= await nameless()
    for await (const part of this.#content()) {
      await this.#file.writeFile(part)
      this.#length += part.length
    }
    this.#held.set(name, { start, end: this.#length })
  }

  async *#read({ start, end }: { readonly start: number; readonly end: number }): Bytes {
    for (let at = start; at < end;) {
      const part = Buffer.alloc(Math.min(256 * 1024, end - at))
      const { bytesRead } = (await this.#file?.read(part, 0, part.length, at)) ?? { bytesRead: 0 }
      if (bytesRead === 0) throw new Error(`a file in ${tmpdir()} is shorter than what was written to it`)
      yield part.subarray(0, bytesRead)
      at += bytesRead
    }
  }
}

async function* eventsOf(tar: Bytes): AsyncGenerator<Event, void, undefined> {
  const walk = new TarWalk()
  try {
    for await (const part of tar)
      for (const event of walk.push(Buffer.from(part.buffer, part.byteOffset, part.length)))
        if (event.kind !== 'raw') yield event
    walk.finish()
  } finally {
    await tar.return()
  }
}

async function nameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'runbook-tar-'))
  try {
    return await open(join(folder, 'members'), 'wx+', 0o600)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
