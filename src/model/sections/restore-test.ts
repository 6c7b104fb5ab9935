/** How a dump is tested without touching anything live: in a server of its own, which is gone afterwards. */
export type RestoreTest = {
  /** Image of the server; `{major}` is the major version of the server that was dumped. */
  readonly image: string
  /** The superuser that the image makes. */
  readonly user: string
  /** How long the server may take until it answers. Seconds. */
  readonly readyWithinSeconds: number
  /** So many times the size of the dump must be free where the server keeps its data. */
  readonly room: number
  /** The Markdown file that holds the block "Latest tested restore"; null: one beside the evidence. */
  readonly record: string | null
}
