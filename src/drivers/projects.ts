import type { JsonObject } from '../kernel/json.ts'
import type { ComposeStack } from './services.ts'

/** A container of a Compose project. */
export type ProjectContainer = JsonObject & {
  readonly service: string
  readonly image: string
  readonly running: boolean
  /** Null while it has not exited. */
  readonly exitCode: number | null
}

/** A Compose project as its containers describe it. */
export type ComposeProject = JsonObject & {
  readonly name: string
  /** The folder of the project; null for a container that does not say it. */
  readonly directory: string | null
  /** As given to Compose when it created the containers; they may have been removed since. */
  readonly files: readonly string[]
  /** Those given with `--env-file`; the `.env` beside the files is not among them. */
  readonly envFiles: readonly string[]
  /** By service; one-offs are left out. */
  readonly containers: readonly ProjectContainer[]
  /** Labels of all its containers without those of Compose; of a label with several values, one of them. */
  readonly labels: { readonly [name: string]: string }
}

/** A container that belongs to no Compose project. */
export type LooseContainer = JsonObject & {
  readonly name: string
  readonly image: string
  readonly labels: { readonly [name: string]: string }
}

/** What of Docker Compose is on this machine, for the commands that describe it. */
export interface ProjectsView {
  /** Projects that have containers, running or not, by name. */
  list(): Promise<readonly ComposeProject[]>
  /** Containers of no project, by name. */
  loose(): Promise<readonly LooseContainer[]>
  /**
   * The files of a project as Compose resolves them, with the services of every profile. Variables come from
   * the stack and its env files only. A stack without a project name gets the one that Compose derives, as `name`.
   * It contains secrets: nothing of it may be shown as it is.
   * @throws RunbookError `preflight` if a file is missing or invalid
   */
  document(stack: ComposeStack): Promise<JsonObject>
  /** The command of an image's own HEALTHCHECK; null if it has none, or is not on this machine. */
  healthcheckOf(image: string): Promise<readonly string[] | null>
  /** Folder of this machine that holds a volume; null if it is missing or not a folder of this machine. */
  volumeFolder(name: string): Promise<string | null>
}
