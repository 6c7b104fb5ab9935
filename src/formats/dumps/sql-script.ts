/** One unit of a script for psql. */
export type SqlPiece =
  /** With its semicolon. */
  | { readonly is: 'statement'; readonly bytes: Buffer }
  /** `--` to the end of its line, outside a statement. */
  | { readonly is: 'comment'; readonly bytes: Buffer }
  /** A backslash command of psql, outside a statement. */
  | { readonly is: 'command'; readonly text: string }
  /** Data of a COPY; `count` is the number of lines that end in it. */
  | { readonly is: 'rows'; readonly bytes: Buffer; readonly count: number }
  | { readonly is: 'rows-end' }

/** Why a script is not split further; in words that follow `it`. */
export class ScriptRefused extends Error {}

/** A longer statement is refused: it is kept in memory. Bytes. */
const longestStatement = 64 * 1024 * 1024

const [newline, quote, doubleQuote, backslash, dollar, semicolon] = [0x0a, 0x27, 0x22, 0x5c, 0x24, 0x3b]
const [dash, slash, star, openParenthesis, closeParenthesis] = [0x2d, 0x2f, 0x2a, 0x28, 0x29]

const startsWord = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || byte >= 0x80
const inWord = (byte: number): boolean =>
  startsWord(byte) || (byte >= 0x30 && byte <= 0x39) || byte === dollar
const isBlank = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

/** As pg_dump writes it: `COPY app.orders (id, "a b") FROM stdin;`. Any other form may read a file or run a program. */
const isOwnCopy = (text: string): boolean =>
  /^COPY (?:"(?:[^"]|"")+"|[\w$\x80-\xff]+)(?:\.(?:"(?:[^"]|"")+"|[\w$\x80-\xff]+))?(?: \((?:"(?:[^"]|"")+"|[^"();])*\))? FROM stdin;$/.test(
    text,
  )

/** What the scanner is inside of. */
type Inside =
  | { readonly in: 'nothing' }
  | { readonly in: 'string'; readonly end: number; readonly escapes: boolean }
  | { readonly in: 'dollars'; readonly tag: Buffer }
  | { readonly in: 'comment'; readonly depth: number }
  /** Behind a COPY statement, before its data. */
  | { readonly in: 'line' }
  | { readonly in: 'rows' }

const nothing: Inside = { in: 'nothing' }

/**
 * Splits a script as psql does (psqlscan.l of PostgreSQL), with standard_conforming_strings on, as it arrives. It is
 * strict where psql is not: a backslash command inside a statement, and a COPY in a form that pg_dump does not write,
 * are refused.
 */
export class SqlScript {
  #buffer: Buffer = Buffer.alloc(0)
  /** Where scanning continues, and where the current statement begins. */
  #at = 0
  #start = 0
  #inside: Inside = nothing
  #parentheses = 0
  /** Depth of BEGIN ATOMIC, and the first words of the statement, which decide whether it may have one. */
  #begins = 0
  #words: string[] = []
  #begun = false
  #lineStart = true

  /** @throws ScriptRefused */
  push(chunk: Uint8Array): readonly SqlPiece[] {
    return this.#take(chunk, false)
  }

  /** @throws ScriptRefused also where the script ends inside a statement or the data of a COPY */
  end(): readonly SqlPiece[] {
    const pieces = this.#take(Buffer.alloc(0), true)
    if (this.#inside.in === 'rows' || this.#inside.in === 'line')
      throw new ScriptRefused('ends in the data of a COPY')
    if (this.#begun || this.#inside.in !== 'nothing') throw new ScriptRefused('ends in a statement')
    return pieces
  }

  #take(chunk: Uint8Array, final: boolean): readonly SqlPiece[] {
    this.#buffer = Buffer.concat([this.#buffer.subarray(this.#start), chunk])
    this.#at -= this.#start
    this.#start = 0
    const pieces: SqlPiece[] = []
    while (this.#at < this.#buffer.length) {
      const before = this.#at
      const inside = this.#inside
      const moved =
        inside.in === 'rows'
          ? this.#rows(pieces, final)
          : inside.in === 'line'
            ? this.#restOfLine(final)
            : inside.in === 'nothing'
              ? this.#code(pieces, final)
              : this.#literal(inside, final)
      if (!moved && this.#at === before) break
      if (!this.#begun) this.#start = this.#at
    }
    if (this.#at - this.#start > longestStatement)
      throw new ScriptRefused(`has a statement of more than ${longestStatement} bytes`)
    return pieces
  }

  /** @returns false where more bytes are needed */
  #code(pieces: SqlPiece[], final: boolean): boolean {
    const buffer = this.#buffer
    const byte = buffer[this.#at] ?? 0
    if (isBlank(byte)) {
      this.#at += 1
      return true
    }
    const next = buffer[this.#at + 1]
    if (next === undefined && !final) return false
    if (byte === dash && next === dash) return this.#lineComment(pieces, final)
    if (byte === slash && next === star) {
      this.#inside = { in: 'comment', depth: 1 }
      this.#begun = true
      this.#at += 2
      return true
    }
    if (byte === backslash) return this.#command(pieces, final)
    if (!this.#begun) {
      this.#begun = true
      this.#start = this.#at
    }
    if (startsWord(byte)) return this.#word(final)
    if (byte === dollar) return this.#dollars(final)
    // A number may run into letters, which are no word then.
    if (byte >= 0x30 && byte <= 0x39) {
      const end = this.#endOfWord(this.#at)
      if (end === buffer.length && !final) return false
      this.#at = end
      return true
    }
    this.#at += 1
    if (byte === quote || byte === doubleQuote) this.#inside = { in: 'string', end: byte, escapes: false }
    else if (byte === openParenthesis) this.#parentheses += 1
    else if (byte === closeParenthesis) this.#parentheses = Math.max(0, this.#parentheses - 1)
    else if (byte === semicolon && this.#parentheses === 0 && this.#begins === 0) this.#statement(pieces)
    return true
  }

  #lineComment(pieces: SqlPiece[], final: boolean): boolean {
    const end = this.#endOfLine()
    if (end === null && !final) return false
    const stop = end ?? this.#buffer.length
    if (!this.#begun) pieces.push({ is: 'comment', bytes: this.#buffer.subarray(this.#at, stop) })
    this.#at = stop
    return true
  }

  #command(pieces: SqlPiece[], final: boolean): boolean {
    if (this.#begun) throw new ScriptRefused('has a command of psql inside a statement')
    const end = this.#endOfLine()
    if (end === null && !final) return false
    const stop = end ?? this.#buffer.length
    pieces.push({ is: 'command', text: this.#buffer.toString('utf8', this.#at, stop).trimEnd() })
    this.#at = stop
    return true
  }

  #endOfLine(): number | null {
    const end = this.#buffer.indexOf(newline, this.#at)
    return end < 0 ? null : end
  }

  #endOfWord(from: number): number {
    let end = from
    while (end < this.#buffer.length && inWord(this.#buffer[end] ?? 0)) end += 1
    return end
  }

  #word(final: boolean): boolean {
    const end = this.#endOfWord(this.#at)
    if (end === this.#buffer.length && !final) return false
    const escapes = end === this.#at + 1 && ((this.#buffer[this.#at] ?? 0) | 0x20) === 0x65
    if (escapes && this.#buffer[end] === quote) {
      this.#inside = { in: 'string', end: quote, escapes: true }
      this.#at = end + 1
      return true
    }
    this.#note(this.#buffer.toString('latin1', this.#at, Math.min(end, this.#at + 16)).toLowerCase())
    this.#at = end
    return true
  }

  /** As psql counts the BEGIN, CASE and END of a body in standard SQL. */
  #note(word: string): void {
    if (this.#words.length < 4) this.#words.push(word)
    if (this.#parentheses > 0) return
    const [first, ...rest] = this.#words
    const what = rest[0] === 'or' ? rest[2] : rest[0]
    if (first !== 'create' || (what !== 'function' && what !== 'procedure')) return
    if (word === 'begin' || (word === 'case' && this.#begins > 0)) this.#begins += 1
    else if (word === 'end' && this.#begins > 0) this.#begins -= 1
  }

  #dollars(final: boolean): boolean {
    let end = this.#at + 1
    if (startsWord(this.#buffer[end] ?? 0))
      while (end < this.#buffer.length && inWord(this.#buffer[end] ?? 0) && this.#buffer[end] !== dollar)
        end += 1
    if (end >= this.#buffer.length && !final) return false
    if (this.#buffer[end] === dollar) {
      this.#inside = { in: 'dollars', tag: Buffer.from(this.#buffer.subarray(this.#at, end + 1)) }
      this.#at = end + 1
    } else this.#at += 1
    return true
  }

  #statement(pieces: SqlPiece[]): void {
    const bytes = this.#buffer.subarray(this.#start, this.#at)
    pieces.push({ is: 'statement', bytes })
    this.#start = this.#at
    this.#begun = false
    const [first] = this.#words
    this.#words = []
    if (first !== 'copy') return
    if (!isOwnCopy(bytes.toString('latin1')))
      throw new ScriptRefused('has a COPY that is not of its own data')
    this.#inside = { in: 'line' }
  }

  /** The data of a COPY begins on the line after its statement. */
  #restOfLine(final: boolean): boolean {
    const end = this.#endOfLine()
    if (end === null && !final) return false
    const stop = end ?? this.#buffer.length
    if (this.#buffer.toString('latin1', this.#at, stop).trim() !== '')
      throw new ScriptRefused('has a COPY with more after it in its line')
    this.#at = end === null ? stop : end + 1
    this.#inside = { in: 'rows' }
    this.#lineStart = true
    return true
  }

  #rows(pieces: SqlPiece[], final: boolean): boolean {
    const buffer = this.#buffer
    let at = this.#at
    let count = 0
    let ended = false
    while (at < buffer.length && !ended) {
      if (this.#lineStart && buffer[at] === backslash) {
        if (buffer.length - at < 4 && !final) break
        const line = buffer.toString('latin1', at, at + 4)
        ended = line === '\\.' || line.startsWith('\\.\n') || line.startsWith('\\.\r\n')
        if (ended) break
      }
      const end = buffer.indexOf(newline, at)
      this.#lineStart = end >= 0
      at = end < 0 ? buffer.length : end + 1
      if (end >= 0) count += 1
    }
    const moved = ended || at > this.#at
    if (at > this.#at) pieces.push({ is: 'rows', bytes: buffer.subarray(this.#at, at), count })
    this.#at = at
    if (ended) {
      pieces.push({ is: 'rows-end' })
      this.#at += 2
      this.#inside = nothing
    }
    return moved
  }

  /** Inside a string, a quoted name, dollar quotes or a comment. */
  #literal(inside: Exclude<Inside, { readonly in: 'nothing' | 'rows' | 'line' }>, final: boolean): boolean {
    const buffer = this.#buffer
    if (inside.in === 'dollars') {
      const end = buffer.indexOf(inside.tag, this.#at)
      if (end < 0) {
        const kept = Math.max(this.#at, buffer.length - inside.tag.length + 1)
        const moved = kept > this.#at
        this.#at = kept
        if (final) this.#at = buffer.length
        return moved
      }
      this.#at = end + inside.tag.length
      this.#inside = nothing
      return true
    }
    if (inside.in === 'comment') return this.#blockComment(inside.depth, final)
    while (this.#at < buffer.length) {
      const byte = buffer[this.#at] ?? 0
      const escaped = byte === backslash && inside.escapes
      // A doubled quote is a quote; the next byte decides.
      if ((byte === inside.end || escaped) && this.#at + 1 >= buffer.length && !final) return false
      if (escaped || (byte === inside.end && buffer[this.#at + 1] === inside.end)) this.#at += 2
      else {
        this.#at += 1
        if (byte === inside.end) {
          this.#inside = nothing
          return true
        }
      }
    }
    return true
  }

  #blockComment(depth: number, final: boolean): boolean {
    const [byte, next] = [this.#buffer[this.#at], this.#buffer[this.#at + 1]]
    if (next === undefined && !final) return false
    const opens = byte === slash && next === star
    const closes = byte === star && next === slash
    this.#at += opens || closes ? 2 : 1
    const left = depth + (opens ? 1 : closes ? -1 : 0)
    this.#inside = left === 0 ? nothing : { in: 'comment', depth: left }
    return true
  }
}
