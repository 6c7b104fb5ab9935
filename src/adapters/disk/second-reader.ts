import { Parser, type ReadEntry } from 'tar'
import { ArchiveRefused, quoted, type Header } from './tar-header.ts'

const types: { readonly [type: string]: string } = { File: '0', OldFile: '0', Directory: '5' }

/**
 * Parses the same bytes with node-tar and compares the members. An archive that two programs read differently
 * is crafted: one sees a harmless file where the other sees something else.
 */
export class SecondReader {
  readonly #parser = new Parser({ strict: true })
  readonly #expected: Header[] = []
  #error: Error | null = null

  constructor() {
    this.#parser.on('entry', (entry: ReadEntry) => {
      const header = this.#expected.shift()
      if (
        header === undefined ||
        header.name !== entry.path ||
        header.size !== entry.size ||
        header.type !== types[entry.type ?? '']
      ) {
        this.#error ??= new ArchiveRefused(`${quoted(entry.path)} is read differently by different programs`)
      }
      entry.resume()
    })
    this.#parser.on('ignoredEntry', (entry: ReadEntry) => {
      this.#error ??= new ArchiveRefused(`${quoted(entry.path)} has an unsupported type`)
    })
    this.#parser.on('error', (error: Error) => {
      this.#error ??= new ArchiveRefused(`it is not read by every program: ${error.message}`)
    })
  }

  expect(header: Header): void {
    this.#expected.push(header)
  }

  /** node-tar is synchronous as long as the contents of members are consumed. */
  read(bytes: Buffer): void {
    this.#parser.write(bytes)
    if (this.#error !== null) throw this.#error
  }

  finish(): void {
    this.#parser.end()
    if (this.#expected.length > 0)
      this.#error ??= new ArchiveRefused(
        `${quoted(this.#expected[0]?.name ?? '')} is not seen by every program`,
      )
    if (this.#error !== null) throw this.#error
  }
}
