import { readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { trustedKeys } from '../../src/adapters/evidence/allowed-signers.ts'
import { verifyEvidence } from '../../src/adapters/evidence/verify.ts'
import { viewJournal } from '../../src/adapters/journal/open.ts'
import type { Stored } from '../../src/run/journal/entry.ts'
import { isOpen } from '../../src/run/journal/journal.ts'
import { filesOf } from '../../src/views/files.ts'
import { compileCache } from '../fixtures/compile-cache.ts'
import { endOf } from '../fixtures/commands.ts'
import { typed, type Finished, type Typed } from '../fixtures/typed.ts'
import { deadly, type Kill } from './kill.ts'
import { memoryFolder } from '../fixtures/memory-folder.ts'

const root = join(import.meta.dirname, '..', '..')

export const sourceOf = (name: string): string => JSON.stringify(join(root, name))

/** A folder with a configuration and nothing else around it, and the real program to type commands into. */
export class Scene implements AsyncDisposable {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder
    this.env = env
  }

  /** @param template copied first @param config the text of runbook.config.ts, from the scene's folder */
  static async make(
    template: string | null,
    config: (folder: string) => string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Scene> {
    const folder = await realpath(await mkdtemp(join(memoryFolder, 'crash-')))
    if (template !== null) await cp(template, folder, { recursive: true, preserveTimestamps: true })
    await mkdir(join(folder, 'tmp'))
    await writeFile(join(folder, 'runbook.config.ts'), config(folder), { mode: 0o600 })
    return new Scene(folder, env)
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names)
  }

  type(args: readonly string[], kill: Kill | null = null): Promise<Finished> {
    const { node, env } = deadly(kill)
    return endOf(args, { node, cwd: this.folder, env: this.#environment(env) })
  }

  /** As a process of its own, which goes on. */
  start(args: readonly string[], kill: Kill | null = null): Typed {
    const { node, env } = deadly(kill)
    return typed([process.execPath, ...node, join(root, 'bin', 'runbook.js'), ...args], {
      cwd: this.folder,
      env: this.#environment(env),
    })
  }

  #environment(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    // A folder for temporary files of its own shows what is left there.
    return { ...this.env, ...env, TMPDIR: this.path('tmp'), ...compileCache, NO_COLOR: '1' }
  }

  /** Of the newest real run; empty where none began. */
  async entries(): Promise<readonly Stored[]> {
    const journal = await viewJournal(this.path('state'))
    try {
      const line = (await journal.runs()).find(({ mode }) => mode === 'run')
      return line === undefined ? [] : await journal.read(line.run)
    } finally {
      await journal.close()
    }
  }

  /** What every settled run must leave, whatever it was about. The last of the real commands are slow, and so asked of some cases only. */
  async expectSettled(
    entries: readonly Stored[],
    outcome: string,
    dryRun: readonly string[] | null,
  ): Promise<void> {
    const last = entries
      .map(({ entry }) => entry)
      .filter(({ type }) => ['settled', 'sealed', 'resumed'].includes(type))
      .slice(-2)
    expect(last).toMatchObject([{ type: 'settled', outcome }, { type: 'sealed' }])
    const opened = entries[0]?.entry
    const evidence = opened?.type === 'opened' ? opened.evidence : ''
    const signers = this.path('state', 'allowed_signers')
    expect(
      await verifyEvidence(evidence, {
        trusted: trustedKeys(readFileSync(signers, 'utf8'), signers),
        filesOf,
      }),
      'defects of the evidence',
    ).toEqual([])
    await this.expectNothingOpen(dryRun)
    if (dryRun !== null) {
      const verified = await this.type(['evidence', 'verify', evidence])
      expect(verified.code, whole(verified)).toBe(0)
    }
    expect(processesOf(entries[0]?.run ?? ''), 'programs of the run that live on').toEqual([])
  }

  async expectNothingOpen(dryRun: readonly string[] | null): Promise<void> {
    const journal = await viewJournal(this.path('state'))
    try {
      expect((await journal.runs()).filter(isOpen), 'open runs').toEqual([])
    } finally {
      await journal.close()
    }
    if (dryRun === null) return
    const status = await this.type(['status'])
    expect([status.code, status.stdout]).toEqual([0, 'No open runs.\n'])
    const foretold = await this.type(dryRun)
    expect(foretold.code, whole(foretold)).toBe(0)
  }

  /** Files and folders under a folder, sorted; of one that is not there, nothing. */
  async list(name: string): Promise<readonly string[]> {
    return (await readdir(this.path(name)).catch(() => [])).sort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

export const whole = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`

/** Programs that carry the name of a run in their environment. */
export function processesOf(run: string): readonly string[] {
  return processesWith(`RUNBOOK_RUN=${run}`).map(({ pid, argv }) => `${pid} ${argv}`)
}

export function processesWith(variable: string): readonly { readonly pid: number; readonly argv: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(variable)) return []
        return [
          { pid: Number(pid), argv: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') },
        ]
      } catch {
        return []
      }
    })
}
