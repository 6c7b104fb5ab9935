/** What the server shows. Pages are complete HTML; null means that it does not exist. */
export interface Site {
  /** Content Security Policy of the pages, and of HTML files from evidence folders. */
  readonly policies: { readonly page: string; readonly evidence: string }
  overview(): Promise<string>
  /** @param runbook lists only the runs of this one */
  target(name: string, runbook: string | null): Promise<string | null>
  runbook(target: string, name: string): Promise<string | null>
  /**
   * What a run would do now, looked at while it is asked for.
   * @param left aborts when nobody waits for it any more
   */
  dryRun(target: string, name: string, left: AbortSignal): Promise<DryRunAnswer | null>
  /** The graph of a runbook as Mermaid text. */
  graph(target: string, name: string): Promise<string | null>
  run(id: string): Promise<string | null>
  /** What is in the evidence folder of a run, and whether it verifies. */
  evidence(run: string): Promise<string | null>
  file(run: string, name: string): Promise<ServedFile | null>
  /** For Prometheus; null while nothing was looked at. */
  metrics(): Promise<string | null>
  /** The part of a run's page that changes while it runs. */
  state(run: string): Promise<RunShown | null>
  failure(status: number, says: string, hint: string): string
}

/** 503: another one goes on. 504: it took too long. */
export type DryRunAnswer = { readonly status: 200 | 503 | 504; readonly html: string }

export type RunShown = {
  readonly html: string
  /** Nothing more will happen. */
  readonly over: boolean
}

/** A file of an evidence folder; only HTML is rendered by the browser, everything else is shown as text. */
export type ServedFile = {
  readonly html: boolean
  readonly bytes: number
  readonly body: ReadableStream<Uint8Array>
}
