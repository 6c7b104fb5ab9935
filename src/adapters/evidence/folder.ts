import { shellWord } from '../../kernel/shell-quote.ts'
import { lstatSync } from 'node:fs'
import { lstat, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Files } from '../../drivers/files.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Redactor } from '../../kernel/redact.ts'
import type { Evidence, EvidenceFile, EvidenceFolder, StepLog } from '../../run/journal/evidence.ts'
import { piecesIn } from './log-file.ts'
import { seal, unseal } from './seal.ts'
import { signingKey } from './signing-key.ts'
import { LogFileWriter, logLimits, type LogLimits } from './step-log.ts'

export type EvidencePlace = {
  /** Where the signing key is kept; absolute. */
  readonly state: string
  readonly files: Files
  readonly mask: Redactor
  readonly limits?: LogLimits
}

/** Evidence on a local disk. Folders (0700) and files (0600) are private. */
export class DiskEvidence implements Evidence {
  readonly #place: EvidencePlace

  constructor(place: EvidencePlace) {
    this.#place = place
  }

  async open(folder: string): Promise<EvidenceFolder> {
    const { files, state } = this.#place
    const isNew = (await lstat(folder).catch(() => null)) === null
    try {
      await files.makeFolder(folder)
      mustBePrivate(folder)
      // Check the key now, not only when sealing.
      await signingKey(state, files)
    } catch (thrown) {
      if (isNew) await rmdir(folder).catch(() => undefined)
      const hint = thrown instanceof RunbookError ? thrown.hint : undefined
      throw cannot('keep evidence in', folder, null, {
        code: 'preflight',
        cause: thrown,
        ...(hint === undefined ? {} : { hint }),
      })
    }
    return new DiskFolder(folder, this.#place)
  }
}

class DiskFolder implements EvidenceFolder {
  readonly folder: string
  readonly #place: EvidencePlace
  /** Logs beside which an attempt that did not finish left pieces; null until the first log is opened. */
  #left: Set<string> | null = null
  readonly #open = new Map<string, { readonly writer: LogFileWriter; users: number }>()

  constructor(folder: string, place: EvidencePlace) {
    this.folder = folder
    this.#place = place
  }

  async log(name: string): Promise<StepLog> {
    if (!/^[a-z0-9][a-z0-9.-]{0,120}$/.test(name))
      throw new RunbookError('bug', `invalid log name ${JSON.stringify(name)}`)
    mustBePrivate(this.folder)
    // Predictions for a step may run in parallel; they share one file.
    const shared = this.#open.get(name) ?? { writer: this.#writer(name), users: 0 }
    this.#open.set(name, shared)
    shared.users += 1
    let done = false
    return {
      write: (chunk) => shared.writer.write(chunk),
      finish: async () => {
        if (done) throw new RunbookError('bug', `log ${name} is finished twice`)
        done = true
        shared.users -= 1
        if (shared.users > 0) return null
        this.#open.delete(name)
        const file = await shared.writer.finish()
        if (file?.problem !== undefined) this.#left?.add(`${name}.log`)
        return file
      },
    }
  }

  #writer(name: string): LogFileWriter {
    const { limits, mask } = this.#place
    const file = `${name}.log`
    return new LogFileWriter(
      this.folder,
      join('logs', file),
      limits ?? logLimits,
      mask.stream(),
      this.#mayHavePieces(file),
    )
  }

  /** The folder is listed once: with a thousand logs it would be read a thousand times. */
  #mayHavePieces(file: string): boolean {
    try {
      this.#left ??= new Set(piecesIn(join(this.folder, 'logs')).keys())
      return this.#left.has(file)
    } catch {
      // The writer meets the same error, and reports it with its log.
      return true
    }
  }

  async discard(): Promise<void> {
    // Refused by the system where something is in it.
    await rmdir(this.folder).catch(() => undefined)
  }

  async unseal(): Promise<void> {
    try {
      mustBePrivate(this.folder)
      await unseal(this.folder)
    } catch (thrown) {
      throw cannot('take the seal from the evidence in', this.folder, null, {
        code: 'preflight',
        hint: `check: ls -la ${shellWord(this.folder)}`,
        cause: thrown,
      })
    }
  }

  async seal(files: readonly EvidenceFile[]): Promise<string> {
    try {
      mustBePrivate(this.folder)
      for (const [name, { writer }] of this.#open) {
        this.#open.delete(name)
        await writer.finish()
      }
      return await seal(
        this.folder,
        files,
        this.#place.files,
        await signingKey(this.#place.state, this.#place.files),
      )
    } catch (thrown) {
      const cause = thrown instanceof RunbookError && thrown.hint !== undefined ? ` (${thrown.hint})` : ''
      throw new RunbookError(
        'failed',
        `cannot seal the evidence in ${this.folder}; the outcome of the run is in the journal`,
        { cause: thrown, hint: `fix the cause${cause}, then seal it again with \`runbook resume\`` },
      )
    }
  }
}

/** Checks that the folder and its parent are folders, not links, and that only we can write to this one. */
function mustBePrivate(folder: string): void {
  for (const path of [dirname(folder), folder]) {
    const facts = lstatSync(path)
    if (!facts.isDirectory()) {
      throw new RunbookError(
        'failed',
        `${path} is ${facts.isSymbolicLink() ? 'a symbolic link' : 'not a folder'}`,
        { hint: `check: ls -ld ${shellWord(path)}` },
      )
    }
    if (path !== folder) continue
    if (facts.uid !== process.geteuid?.())
      throw new RunbookError('failed', `${path} belongs to user ${facts.uid}`, {
        hint: `check: ls -ld ${shellWord(path)}`,
      })
    if ((facts.mode & 0o022) !== 0)
      throw new RunbookError('failed', `${path} is writable by others`, {
        hint: `chmod 700 ${shellWord(path)}`,
      })
  }
}
