import { ScriptRefused } from './sql-script.ts'

/** How `.dump` of the sqlite3 shell begins (shell.c). */
export const isSqliteScript = (start: Uint8Array): boolean =>
  /^PRAGMA foreign_keys=OFF;\r?\nBEGIN TRANSACTION;/.test(
    Buffer.from(start.subarray(0, 64)).toString('latin1'),
  )

/** A longer statement is refused: it is kept in memory. Bytes. */
const longestStatement = 64 * 1024 * 1024

const [newline, semicolon, dash, slash, star] = [0x0a, 0x3b, 0x2d, 0x2f, 0x2a]
/** What opens a string or a name, with what closes it. A doubled one closes it and opens it again. */
const closing = new Map([
  [0x27, 0x27],
  [0x22, 0x22],
  [0x60, 0x60],
  [0x5b, 0x5d],
])

const isWord = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) ||
  (byte >= 0x41 && byte <= 0x5a) ||
  (byte >= 0x30 && byte <= 0x39) ||
  byte === 0x5f ||
  byte >= 0x80
const isBlank = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

/**
 * Splits SQL into statements as it arrives; comments between them are left out. A trigger ends with `; END;`, as in
 * sqlite3_complete().
 */
export class SqliteScript {
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  #start = 0
  #begun = false
  /** The byte that ends what the scanner is inside of; `comment` for one that ends with two. */
  #until: number | 'comment' | null = null
  #words: string[] = []
  /** The last two tokens: words in capitals, a semicolon, or nothing for any other. */
  #last: readonly [string, string] = ['', '']

  /** @throws ScriptRefused */
  push(chunk: Uint8Array): readonly string[] {
    return this.#take(chunk, false)
  }

  /** @throws ScriptRefused where it ends inside a statement */
  end(): readonly string[] {
    const statements = this.#take(Buffer.alloc(0), true)
    if (this.#begun || this.#until === 'comment') throw new ScriptRefused('ends in a statement')
    return statements
  }

  #take(chunk: Uint8Array, final: boolean): readonly string[] {
    this.#buffer = Buffer.concat([this.#buffer.subarray(this.#start), chunk])
    this.#at -= this.#start
    this.#start = 0
    const statements: string[] = []
    while (this.#at < this.#buffer.length) {
      const before = this.#at
      if (this.#until === null) this.#code(statements, final)
      else this.#inside(this.#until)
      if (!this.#begun) this.#start = this.#at
      if (this.#at === before) break
    }
    if (this.#at - this.#start > longestStatement)
      throw new ScriptRefused(`has a statement of more than ${longestStatement} bytes`)
    return statements
  }

  #inside(until: number | 'comment'): void {
    const buffer = this.#buffer
    const end = until === 'comment' ? buffer.indexOf('*/', this.#at) : buffer.indexOf(until, this.#at)
    if (end >= 0) {
      this.#at = end + (until === 'comment' ? 2 : 1)
      this.#until = null
    } else if (until !== 'comment') this.#at = buffer.length
    // The last byte may be the first of two.
    else this.#at = Math.max(this.#at, buffer.length - 1)
  }

  /** Moves on by a token, unless more bytes are needed to know it. */
  #code(statements: string[], final: boolean): void {
    const buffer = this.#buffer
    const byte = buffer[this.#at] ?? 0
    if (isBlank(byte)) {
      this.#at += 1
      return
    }
    const next = buffer[this.#at + 1]
    if ((byte === dash || byte === slash) && next === undefined && !final) return
    if ((byte === dash && next === dash) || (byte === slash && next === star)) {
      this.#until = byte === dash ? newline : 'comment'
      this.#at += 2
      return
    }
    let end = this.#at + 1
    if (isWord(byte)) {
      while (end < buffer.length && isWord(buffer[end] ?? 0)) end += 1
      if (end === buffer.length && !final) return
    }
    if (!this.#begun) {
      this.#begun = true
      this.#start = this.#at
      this.#words = []
      this.#last = ['', '']
    }
    const token = isWord(byte)
      ? buffer.toString('latin1', this.#at, Math.min(end, this.#at + 16)).toUpperCase()
      : byte === semicolon
        ? ';'
        : ''
    if (isWord(byte) && this.#words.length < 3) this.#words.push(token)
    this.#until = closing.get(byte) ?? null
    this.#at = end
    const ends = token === ';' && (!this.#isTrigger || this.#last.join(' ') === '; END')
    this.#last = [this.#last[1], token]
    if (!ends) return
    statements.push(buffer.toString('utf8', this.#start, this.#at))
    this.#begun = false
  }

  get #isTrigger(): boolean {
    return /^CREATE (?:TEMP |TEMPORARY )?TRIGGER\b/.test(this.#words.join(' '))
  }
}

/** What of a dump is executed, and whether it writes the schema table itself, as for virtual tables. */
export type SqliteRole = 'left out' | 'executed' | 'executed on the schema table'

/** Reads the statements of `.dump` of the sqlite3 shell (run_schema_dump_query() and dump_callback() of shell.c), and no others. */
export class SqliteDump {
  #writesSchema = false
  #ended = false

  /** @throws ScriptRefused for a statement that `.dump` does not write */
  take(statement: string): SqliteRole {
    const start = statement.slice(0, 200)
    if (this.#ended) throw new ScriptRefused('has SQL after its end')
    if (/^(?:PRAGMA foreign_keys=OFF|BEGIN TRANSACTION);$/.test(start)) return 'left out'
    if (/^ROLLBACK;$/.test(start))
      throw new ScriptRefused('says that the database could not be read to its end when it was dumped')
    if (/^COMMIT;$/.test(start)) {
      this.#ended = true
      return 'left out'
    }
    const writable = /^PRAGMA writable_schema=(ON|OFF|1|0);$/.exec(start)
    if (writable !== null) {
      this.#writesSchema = writable[1] === 'ON' || writable[1] === '1'
      return 'left out'
    }
    const known =
      /^CREATE\s+(?:UNIQUE\s+)?(?:TABLE|INDEX|VIEW|TRIGGER)\b/i.test(start) ||
      /^(?:DELETE FROM sqlite_sequence|ANALYZE sqlite_(?:schema|master));$/.test(start) ||
      (this.#writesSchema &&
        /^INSERT INTO sqlite_(?:schema|master)\(type,name,tbl_name,rootpage,sql\)VALUES\('table',/.test(
          start,
        )) ||
      /^INSERT INTO (?![^(]*sqlite_(?:schema|master)\b)/i.test(start)
    if (!known)
      throw new ScriptRefused(
        `has a statement that .dump of sqlite3 does not write: ${JSON.stringify(start.slice(0, 60))}`,
      )
    return this.#writesSchema ? 'executed on the schema table' : 'executed'
  }

  /** @throws ScriptRefused where its end mark is missing */
  end(): void {
    if (!this.#ended) throw new ScriptRefused('is truncated: its last statement is not COMMIT')
  }
}
