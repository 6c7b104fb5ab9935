/** Why a backup is empty, and what to do: nothing of it is lost by looking for another one. */
export const emptyHint =
  'the job that makes it wrote nothing, as `pg_dump … | gzip` does where pg_dump fails (with `set -o pipefail` the job fails too): look at its log, and choose another: runbook backups'

/** For one that has bytes, but only those of its compression or encryption. */
export const emptyInside = 'it is empty inside: what was compressed or encrypted into it has 0 bytes'

/** What the tools print where they fail; a job that adds `2>&1` writes it into the backup. */
const toolFailed = /^(?:pg_dump|pg_dumpall|psql|sqlite3|docker|Error|error|OCI runtime)\b[^\n]{0,200}/

/** The message of a program that failed, where the start of a backup is that; null for anything else. */
export const failureInside = (start: Uint8Array): string | null =>
  toolFailed.exec(Buffer.from(start).toString('utf8'))?.[0]?.trimEnd() ?? null

export const failureHint =
  'the job that makes it failed, and its message was written in place of the backup: look at its log, keep its errors out of the file (no `2>&1`), and choose another: runbook backups'
