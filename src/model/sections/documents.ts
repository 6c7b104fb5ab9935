import type { BackupPlace } from '../../drivers/backups.ts'
import type { SecretHandle } from '../../drivers/secrets.ts'
import type { Stack } from '../../drivers/services.ts'
import type { Ownership } from '../../drivers/volumes.ts'

/** A file or folder, on this machine or as a service sees it in its container. */
export type FilePlace = {
  /** Null: on this machine. */
  readonly inside: { readonly stack: Stack; readonly service: string } | null
  /** Absolute. */
  readonly path: string
}

/** Files that people gave the system to keep: `FOLDER/PROJECT/DOCUMENT.pdf`. */
export type Documents = {
  /** The folder of them all. */
  readonly at: FilePlace
  /** To whom one belongs that comes back into a volume where none is there to take it from. */
  readonly ownership: Ownership
  /** Where backups of the folder arrive: folders, or archives. */
  readonly backups: BackupPlace
  /** For archives that end in `.gpg`. */
  readonly passphrase: SecretHandle | null
  /** What an operator must type before one is replaced. */
  readonly confirmPhrase: string
}
