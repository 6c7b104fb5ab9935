import type { Checksum } from '../../formats/checksum-list.ts'
import { folderDigest, tableOfContents } from '../../formats/dump-folder.ts'
import { fileBytes, mustBeDumpFolder } from '../disk/dump-folder.ts'
import { endMark, memberHeader, padding } from '../disk/tar-member.ts'
import type { Bytes } from './unwrapping.ts'

/** The order in which a reader wants the files of a folder; what it does not name comes last. */
export type ReadingOrder = (folder: {
  readonly names: readonly string[]
  /** The content of a file that is small: a list. */
  read(name: string): Promise<Buffer>
}) => Promise<readonly string[]>

const asItIs: ReadingOrder = async () => [tableOfContents]

/** A larger list is read in its turn only. Bytes. */
const largestList = 256 * 1024 * 1024

/** A folder of pg_dump -Fd as a tar archive, so that everything that reads one reads it. */
export class FolderStream {
  readonly #folder: string
  readonly #order: ReadingOrder
  readonly #sums: Checksum[] = []

  constructor(folder: string, order: ReadingOrder = asItIs) {
    this.#folder = folder
    this.#order = order
  }

  /** Of the files that were read; see `folderDigest`. */
  digest(): string {
    return folderDigest(this.#sums)
  }

  /** @param seen what the files hold, without what the archive adds */
  async *bytes(seen: (part: Uint8Array) => void): Bytes {
    const { files } = await mustBeDumpFolder(this.#folder)
    const byName = new Map(files.map((file) => [file.name, file]))
    const wanted = await this.#order({
      names: files.map(({ name }) => name),
      read: async (name) => {
        const file = byName.get(name)
        if (file === undefined || file.bytes > largestList) return Buffer.alloc(0)
        const parts: Uint8Array[] = []
        for await (const part of fileBytes(this.#folder, file)) parts.push(part)
        return Buffer.concat(parts)
      },
    })
    let written = 0
    for (const name of new Set([...wanted, ...byName.keys()])) {
      const file = byName.get(name)
      if (file === undefined) continue
      const { bytes } = file
      const front = memberHeader({ ...anyMember, name, bytes })
      const back = padding(bytes)
      written += front.length + bytes + back.length
      yield front
      for await (const part of fileBytes(this.#folder, file, (sum) => this.#sums.push(sum))) {
        seen(part)
        yield part
      }
      if (back.length > 0) yield back
    }
    yield endMark(written)
  }
}

const anyMember = { kind: 'file', mode: 0o600, uid: 0, gid: 0, modified: new Date(0) } as const
