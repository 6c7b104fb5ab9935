import { hostname } from 'node:os'
import { basename, resolve } from 'node:path'
import type { Loaded } from '../config/load.ts'
import { thisTruster, Trust } from '../config/trust.ts'
import { credentialVariables, foundByClients } from '../drivers/inherited-variables.ts'
import { handlesIn, type SecretHandle } from '../drivers/secrets.ts'
import { RunbookError } from '../kernel/errors.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { sanitize } from '../kernel/sanitize.ts'
import { Secret, shortestSecret } from '../kernel/secret.ts'
import type { Runbook } from '../model/runbook.ts'
import { missingSections, type Section, type Target } from '../model/target.ts'
import type { Catalog } from '../run/replan.ts'
import { asTyped, typedIn } from './command-hints.ts'
import { RunbookCatalog } from './catalog.ts'
import { checkImports } from './team-modules.ts'
import type { Terminal } from './terminal.ts'

/** Flags that come before the command. */
export type Globals = { readonly config?: string; readonly trust?: readonly string[] }

/** What every command works with. The configuration is read on first use. */
export class CliContext implements Catalog {
  readonly terminal: Terminal
  readonly environment: { readonly [name: string]: string | undefined }
  readonly directory: string
  readonly version: string
  readonly #globals: () => Globals
  readonly #commands: () => readonly string[]
  readonly #accepted = new Set<string>()
  #trust: Trust | null = null
  #found: string | undefined
  #loaded: Promise<Loaded> | null = null

  /** @param commands names of the program's commands; read late, since they are still being registered */
  constructor(
    terminal: Terminal,
    version: string,
    globals: () => Globals,
    commands: () => readonly string[],
  ) {
    this.version = version
    this.terminal = terminal
    this.environment = process.env
    this.directory = resolve('.')
    this.#globals = globals
    this.#commands = commands
  }

  loaded(): Promise<Loaded> {
    this.#loaded ??= this.#load()
    return this.#loaded
  }

  async #load(): Promise<Loaded> {
    checkImports((file) => this.trust.check(file))
    for (const [name, value] of Object.entries(credentialVariables(this.environment)))
      for (const text of value.includes('://') ? [value] : [value, `http://${value}`]) this.#mask(name, text)
    for (const name of foundByClients) this.#mask(name, this.environment[name] ?? '')
    const [{ loadConfig }, { handleOf }] = await Promise.all([
      import('../config/load.ts'),
      import('../sections/parts/base-paths.ts'),
    ])
    const loaded = await loadConfig({
      directory: this.directory,
      file: this.#globals().config,
      environment: this.environment,
      trust: {
        check: (file) => {
          this.#found = basename(file)
          this.trust.check(file)
        },
      },
    })
    // Commands of other targets show what earlier runs wrote, so all secrets are masked everywhere.
    const handles = handlesIn(loaded.config.targets as unknown as Json)
    await this.#register(handles.map((handle) => handleOf(handle, loaded.basePaths)))
    return loaded
  }

  #mask(name: string, text: string): void {
    if (Buffer.byteLength(text) >= shortestSecret) this.terminal.redactor.add(new Secret(name, text))
  }

  /** Masks the secrets that a plan or parameters name, from here on, as far as they can be read. */
  async maskSecretsOf(value: Json): Promise<void> {
    await this.#register(handlesIn(value))
  }

  /**
   * A value with its secrets masked, for texts that are laid out or written to a file: escapes and line breaks would hide
   * a secret from the mask of the terminal.
   */
  masked<T>(value: T): T {
    return this.terminal.redactor.json(value as Json) as T
  }

  async #register(handles: readonly SecretHandle[]): Promise<void> {
    if (handles.length === 0) return
    const { registerAvailable } = await import('../adapters/environment/secrets.ts')
    const { redactor } = this.terminal
    await registerAvailable(handles, {
      environment: this.environment,
      register: (secret) => redactor.add(secret),
    })
  }

  /** Replaces commands in a text by the form that has to be typed here. */
  asTyped(text: string): string {
    const { config, trust } = this.#globals()
    const called = { environment: this.environment, config, trust, found: this.#found }
    return asTyped(text, called, this.#commands())
  }

  /** Prints an object of `--json`, in which the commands that a person reads are as they have to be typed here. */
  json(value: object): void {
    const plain = JSON.parse(JSON.stringify(value)) as JsonObject
    this.terminal.json(typedIn(plain, (text) => this.asTyped(text)))
  }

  /** Which code may be loaded; exceptions are given with `--trust`. */
  get trust(): Trust {
    this.#trust ??= new Trust(
      thisTruster(this.environment),
      (this.#globals().trust ?? []).map((path) => resolve(this.directory, path)),
      (flaw) => {
        if (this.#accepted.has(flaw)) return
        this.#accepted.add(flaw)
        this.terminal.err(sanitize(`warning: loading code although it is not safe: ${flaw}\n`))
      },
    )
    return this.#trust
  }

  /** Exceptions that were used, for the record of a run. */
  get remarks(): readonly string[] {
    if (this.#accepted.size === 0) return []
    return [`code loaded with --trust on ${hostname()}: ${[...this.#accepted].join(', ')}`]
  }

  /** The reason for a run, with the exceptions that were used. */
  recorded(reason: string | undefined): string | null {
    return [reason ?? '', ...this.remarks].filter((text) => text !== '').join('; ') || null
  }

  /** The file of `--config`. */
  get named(): string | undefined {
    return this.#globals().config
  }

  async catalog(): Promise<RunbookCatalog> {
    return new RunbookCatalog(await this.loaded(), this.trust)
  }

  async runbook(name: string): Promise<Runbook> {
    return (await (await this.catalog()).find(name)).book
  }

  async target(name: string): Promise<Target> {
    const { config, basePaths } = await this.loaded()
    const { targetOf } = await import('../config/target.ts')
    return targetOf(config, name, basePaths)
  }

  async targets(): Promise<readonly Target[]> {
    const { config } = await this.loaded()
    return Promise.all(Object.keys(config.targets).map((name) => this.target(name)))
  }

  /**
   * The named target, else the default target, else the only one.
   * @throws RunbookError `usage` where several targets are possible
   */
  async choose(book: Runbook, named: string | undefined): Promise<Target> {
    if (named !== undefined) return this.target(named)
    const { config } = await this.loaded()
    if (config.defaultTarget !== undefined) return this.target(config.defaultTarget)
    const targets = await this.targets()
    const [only] = targets
    if (only !== undefined && targets.length === 1) return only
    const fitting = targets
      .filter((target) => lacking(book, target).length === 0)
      .map((target) => target.name)
    throw new RunbookError('usage', `no target given for ${book.name}`, {
      hint:
        fitting.length === 0
          ? `no target has all the sections it needs: ${book.about.needs.join(', ')}; \`runbook list\` says what each lacks, \`runbook help config SECTION\` describes one`
          : `add --target ${fitting.join(' or --target ')}`,
    })
  }
}

/** The sections that a runbook needs and a target lacks. */
export const lacking = (book: Runbook, target: Target): readonly Section[] =>
  missingSections(book.about, target)
