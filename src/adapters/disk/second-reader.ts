import { Parser, type ReadEntry } from 'tar'
import { ArchiveRefused, quoted, type Header } from './tar-header.ts'

const types: { readonly [type: string]: string } = { File: '0', OldFile: '0', Directory: '5' }

/**
 * Has node-tar read the same bytes, and asks for the same members. An archive that two programs read differently was made to be:
 * one sees a harmless file where the other one sees something else.
 */
export class SecondReader {
  readonly #parser = new Parser({ strict: true })
  readonly #expected: Header[] = []
  #trouble: Error | null = null

  constructor() {
    this.#parser.on('entry', (entry: ReadEntry) => {
      const header = this.#expected.shift()
      if (
        header === undefined ||
        header.name !== entry.path ||
        header.size !== entry.size ||
        header.type !== types[entry.type ?? '']
      ) {
        this.#trouble ??= new ArchiveRefused(
          `${quoted(entry.path)} is read differently by different programs`,
        )
      }
      entry.resume()
    })
    this.#parser.on('ignoredEntry', (entry: ReadEntry) => {
      this.#trouble ??= new ArchiveRefused(`${quoted(entry.path)} is of a type that is not supported`)
    })
    this.#parser.on('error', (error: Error) => {
      this.#trouble ??= new ArchiveRefused(`it is not read by every program: ${error.message}`)
    })
  }

  expect(header: Header): void {
    this.#expected.push(header)
  }

  /** Everything in it is synchronous as long as nobody holds up the members' contents. */
  read(bytes: Buffer): void {
    this.#parser.write(bytes)
    if (this.#trouble !== null) throw this.#trouble
  }

  finish(): void {
    this.#parser.end()
    if (this.#expected.length > 0)
      this.#trouble ??= new ArchiveRefused(
        `${quoted(this.#expected[0]?.name ?? '')} is not seen by every program`,
      )
    if (this.#trouble !== null) throw this.#trouble
  }
}
