import { decoderFor } from '../archive/table-of-contents.ts'
import type { SqlPiece } from '../../../formats/dumps/sql-script.ts'
import { copiedTable, entryOf, looseEntry, setsOwner, wordsOf, type PlainEntry } from './plain-entry.ts'

/** Why a plain dump is not accepted, in words that follow `it`. */
export class PlainRefused extends Error {
  readonly hint: string
  constructor(why: string, hint = 'choose another dump') {
    super(why)
    this.hint = hint
  }
}

/** What a piece is to a restore of one database. */
export type Role =
  /** A setting of the session. */
  | { readonly is: 'setting' }
  /** Of an object, or its data. */
  | { readonly is: 'object'; readonly entry: PlainEntry }
  | { readonly is: 'owner'; readonly entry: PlainEntry }
  /** Not restored. */
  | { readonly is: 'left out' }

export type PlainFacts = {
  readonly kind: 'database' | 'cluster'
  readonly serverVersion: string | null
  readonly dumpedBy: string | null
  /** As the dump names it; null where it does not. */
  readonly database: string | null
  readonly databases: readonly string[]
}

const leftOut: Role = { is: 'left out' }

/** Of the database itself, and what no restore creates. */
const neverRestored = (kind: string, name: string): boolean =>
  /^(?:DATABASE|SUBSCRIPTION)/.test(kind) ||
  (['COMMENT', 'ACL', 'SECURITY LABEL'].includes(kind) && /^(?:DATABASE|SUBSCRIPTION) /.test(name))

/** These act on the server, not in the database. */
const ofServer = ['DATABASE', 'SUBSCRIPTION', 'ROLE', 'TABLESPACE', 'SYSTEM']

/** Encodings whose characters may contain a byte that means something to SQL: a backslash or a quote. */
const unsafeEncoding =
  /^(?:BIG5|GB18030|GBK|JOHAB|SJIS|SHIFT_JIS_2004|UHC|MSKANJI|SHIFTJIS|WIN932|WIN936|WIN949|WIN950)$/i

/** Follows a plain dump piece by piece, and decides what each is. Pure. */
export class PlainDump {
  readonly #wanted: string
  #kind: PlainFacts['kind'] | null = null
  #serverVersion: string | null = null
  #dumpedBy: string | null = null
  #current: string | null = null
  readonly #databases: string[] = []
  #entry: PlainEntry | null = null
  /** As the dump says before its first object. */
  #decode = decoderFor('UTF8')
  #copying: Role = leftOut
  #ended = false
  readonly entries: PlainEntry[] = []
  readonly subscriptions: string[] = []
  /** Statements that pg_dump writes in no dump of a database, such as `CREATE ROLE`: never run. */
  readonly foreign = new Set<string>()

  /** @param wanted the database to take out of a dump of all databases */
  constructor(wanted: string) {
    this.#wanted = wanted
  }

  get facts(): PlainFacts {
    if (this.#kind === null) throw new PlainRefused('is not a plain SQL dump of pg_dump or pg_dumpall')
    return {
      kind: this.#kind,
      serverVersion: this.#serverVersion,
      dumpedBy: this.#dumpedBy,
      database: this.#kind === 'cluster' ? this.#wanted : (this.#databases[0] ?? null),
      databases: this.#databases,
    }
  }

  /** @throws PlainRefused */
  take(piece: SqlPiece): Role {
    switch (piece.is) {
      case 'comment':
        this.#comment(this.#decode(piece.bytes).trimEnd())
        return leftOut
      case 'command':
        this.#command(piece.text)
        return leftOut
      case 'rows':
        if (this.#copying.is === 'object' && this.#copying.entry.rows !== null)
          this.#copying.entry.rows += piece.count
        return this.#copying
      case 'rows-end':
        return this.#copying
      case 'statement':
        return this.#statement(piece.bytes)
    }
  }

  /** @throws PlainRefused unless the end mark was the last thing in it */
  end(): void {
    const { kind, databases } = this.facts
    if (!this.#ended)
      throw new PlainRefused('is truncated: the end mark of pg_dump is missing', 'choose another dump')
    if (kind === 'cluster' && !databases.includes(this.#wanted))
      throw new PlainRefused(
        `is a dump of the databases ${databases.join(', ')}, without ${this.#wanted}`,
        'choose a dump that has it',
      )
  }

  get #ours(): boolean {
    return this.#kind === 'database' || (this.#kind === 'cluster' && this.#current === this.#wanted)
  }

  #comment(text: string): void {
    if (text === '--') return
    if (this.#ended) throw new PlainRefused('has extra data after its end mark')
    const heading = /^-- PostgreSQL database (cluster )?dump( complete)?$/.exec(text)
    if (heading !== null) return this.#heading(heading[1] !== undefined, heading[2] !== undefined)
    const version = /^-- Dumped (from database|by pg_dump) version (.+)$/.exec(text)
    if (version?.[1] === 'from database') this.#serverVersion ??= version[2] ?? null
    else if (version !== null) this.#dumpedBy ??= version[2] ?? null
    const entry = entryOf(text, this.entries.length + 1)
    if (entry === null) return
    this.#entry = entry
    if (!this.#ours) return
    if (entry.kind === 'SUBSCRIPTION') this.subscriptions.push(entry.name)
    if (!neverRestored(entry.kind, entry.name)) this.entries.push(entry)
  }

  #heading(ofCluster: boolean, complete: boolean): void {
    if (!complete) {
      this.#kind ??= ofCluster ? 'cluster' : 'database'
      this.#entry = null
      return
    }
    if (this.#kind === null) throw new PlainRefused('begins with an end mark')
    // In a dump of all databases, each of them has an end mark of its own.
    if ((this.#kind === 'cluster') === ofCluster) this.#ended = true
    this.#entry = null
  }

  #command(text: string): void {
    const [, word = '', rest = ''] = /^\\(\S*)\s*(.*)$/.exec(text) ?? []
    if (word === 'unrestrict' || (word === 'restrict' && !this.#ended)) return
    if (this.#ended) throw new PlainRefused('has extra data after its end mark')
    if (word !== 'connect')
      throw new PlainRefused(
        `has the command \\${word} of psql, which a restore does not run`,
        'remove it if you know where it comes from, or choose another dump',
      )
    const name = connected(rest)
    if (name === null) throw new PlainRefused(`has a \\connect that is not of pg_dump: ${rest.slice(0, 60)}`)
    this.#current = name
    this.#entry = null
    this.#databases.push(name)
    if (this.#kind === 'database' && this.#databases.length > 1)
      throw new PlainRefused('connects to several databases, and is not of pg_dumpall')
  }

  #statement(bytes: Buffer): Role {
    if (this.#kind === null) throw new PlainRefused('does not begin as pg_dump writes it')
    if (this.#ended) throw new PlainRefused('has extra data after its end mark')
    const start = this.#decode(bytes.subarray(0, 400))
    const words = wordsOf(start)
    const setting = /^SET ([a-z_.]+) (?:=|TO) '?([^';]*)'?;$/.exec(start)
    this.#mustBeSafe(setting?.[1], setting?.[2] ?? '')
    const role = this.#roleOf(bytes, start, words, setting !== null)
    if (words[0] === 'COPY') this.#copying = role
    return role
  }

  #mustBeSafe(name: string | undefined, value: string): void {
    if (name === 'standard_conforming_strings' && value !== 'on')
      throw new PlainRefused(
        'was made with standard_conforming_strings off',
        'dump with PGOPTIONS="-c standard_conforming_strings=on", or with pg_dump -Fc',
      )
    if (name === 'client_encoding' && unsafeEncoding.test(value))
      throw new PlainRefused(`is written in ${value}`, 'dump with --encoding=UTF8, or with pg_dump -Fc')
    if (name === 'client_encoding') this.#decode = decoderFor(value)
  }

  #roleOf(bytes: Buffer, start: string, words: readonly string[], setting: boolean): Role {
    if (!this.#ours) return leftOut
    const [first = '', second = ''] = words
    // The transaction is that of the restore. pg_dump writes them around large objects.
    if (/^(?:BEGIN|COMMIT);$/.test(start)) return leftOut
    if (
      ['BEGIN', 'COMMIT', 'END', 'ROLLBACK', 'ABORT', 'START', 'SAVEPOINT', 'RELEASE', 'PREPARE'].includes(
        first,
      )
    )
      throw new PlainRefused(`has the statement ${first} of a transaction of its own`)
    if (setting || /^SELECT pg_catalog\.set_config\('search_path', '[^']*', false\);$/.test(start))
      return { is: 'setting' }
    const entry = this.#entry
    if (['CREATE', 'ALTER', 'DROP'].includes(first) && ofServer.includes(second)) {
      // Before the first object, --clean drops; a role is only altered as a setting of the database.
      const own =
        entry === null
          ? this.entries.length === 0 && first === 'DROP' && second !== 'ROLE'
          : neverRestored(entry.kind, entry.name)
      if (!own) this.foreign.add(`${first} ${second}`)
      return leftOut
    }
    if (entry === null) {
      // What --clean writes before the first object: the copy is empty.
      if (this.entries.length === 0 && (first === 'DROP' || /^ALTER TABLE [^;]* DROP /.test(start)))
        return leftOut
      const loose = looseEntry(this.#decode(bytes), this.entries.length + 1)
      this.entries.push(loose)
      return { is: 'object', entry: loose }
    }
    if (neverRestored(entry.kind, entry.name)) return leftOut
    if (setsOwner(this.#decode(bytes))) {
      entry.owning = this.#decode(bytes)
      return { is: 'owner', entry }
    }
    if (entry.kind !== 'TABLE DATA') {
      if (!entry.kind.startsWith('BLOB')) entry.statements.push(this.#decode(bytes))
    } else if (first === 'INSERT') entry.rows = null
    else if (first === 'COPY') {
      const table = copiedTable(start)
      if (table?.name !== entry.name || table.schema !== entry.schema) entry.rows = null
    } else {
      // As --disable-triggers writes around the data.
      if (first !== 'ALTER')
        throw new PlainRefused(`has the statement ${first} among the data of ${entry.name}`)
    }
    return { is: 'object', entry }
  }
}

/** The name in `\connect shop`, or in the form for any other name (appendPsqlMetaConnect() of string_utils.c). */
function connected(argument: string): string | null {
  if (/^[A-Za-z0-9_.]+$/.test(argument)) return argument
  const quoted = /^-reuse-previous=on "dbname='((?:[^'\\]|\\.)*)'"$/.exec(argument.replaceAll('""', '"'))
  return quoted?.[1]?.replaceAll(/\\(.)/g, '$1') ?? null
}
