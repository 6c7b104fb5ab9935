import { digestOf, sha256 } from '../kernel/json.ts'
import { RunbookError } from '../kernel/errors.ts'
import type { LogFile } from '../run/journal/entry.ts'
import type { Evidence, EvidenceFile, EvidenceFolder, StepLog } from '../run/journal/evidence.ts'

/** In-memory evidence for tests of runbooks. Nothing is masked or signed. */
export class FakeEvidence implements Evidence {
  /** Logs and sealed files, by folder, then by name. */
  readonly folders = new Map<string, Map<string, Uint8Array>>()
  /** Set one to make those calls fail as on a full disk. */
  readonly faults = { open: false, log: false, seal: false }

  async open(folder: string): Promise<EvidenceFolder> {
    if (this.faults.open) throw full('preflight', `cannot keep evidence in ${folder}`)
    const files = this.folders.get(folder) ?? new Map<string, Uint8Array>()
    this.folders.set(folder, files)
    return {
      folder,
      log: async (name) => this.#log(files, `logs/${name}.log`),
      seal: async (made) => this.#seal(folder, files, made),
      unseal: async () => void files.delete('statement.json'),
      discard: async () => void (files.size === 0 && this.folders.delete(folder)),
    }
  }

  #log(files: Map<string, Uint8Array>, file: string): StepLog {
    let problem: string | null = null
    return {
      write: (chunk) => {
        if (this.faults.log) problem = 'the log is incomplete: no space is left on its file system'
        if (problem === null) files.set(file, Buffer.concat([files.get(file) ?? Buffer.alloc(0), chunk]))
      },
      finish: async (): Promise<LogFile | null> => {
        const bytes = files.get(file) ?? Buffer.alloc(0)
        if (bytes.length === 0 && problem === null) return null
        return { file, bytes: bytes.length, sha256: sha256(bytes), ...(problem === null ? {} : { problem }) }
      },
    }
  }

  #seal(folder: string, files: Map<string, Uint8Array>, made: readonly EvidenceFile[]): string {
    if (this.faults.seal) throw full('failed', `cannot seal the evidence in ${folder}`)
    for (const { name, body } of made) files.set(name, Buffer.from(body))
    return digestOf([...files].map(([name, bytes]) => [name, sha256(bytes)]).sort())
  }
}

const full = (code: 'preflight' | 'failed', what: string): RunbookError =>
  new RunbookError(code, `${what}: no space is left on its file system`, {
    hint: 'make room there, then try again',
  })
