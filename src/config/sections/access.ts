import { z } from 'zod'
import type { Database } from '../../drivers/databases.ts'
import type { Stack } from '../../drivers/services.ts'
import type { Access } from '../../model/sections/access.ts'
import { absolute, handleOf, type BasePaths } from '../base-paths.ts'
import type { Duration } from '../quantities.ts'
import type { SecretSource } from '../secret.ts'
import { duration, secretHandle, strict, text, words } from '../values.ts'

/** For a stack of Compose with its Postgres in it. */
export type AccessConfig = {
  readonly pgHba: {
    /** As the container of the database sees it. Default `/var/lib/postgresql/data/pg_hba.conf`. */
    readonly file?: string
    /** The application's own user: its login proves that it is let in. */
    readonly user: string
    readonly password?: SecretSource
    /** The name by which other services reach the database. Default: the service of the database. */
    readonly host?: string
    /** How long the server may take until it lets the application in. Default `30s`. */
    readonly within?: Duration
  }
  readonly daemon?: {
    /** Default `/etc/docker/daemon.json`. */
    readonly file?: string
    /** Default `['systemctl', 'restart', 'docker']`. */
    readonly restart?: readonly string[]
    /** Default `/var/run/docker.pid`. */
    readonly pidFile?: string
    /** How long it may take until Docker answers. Default `1m`. */
    readonly within?: Duration
  }
  /** Default: the first file of the stack. */
  readonly composeFile?: string
  /** Services that must run when access is there again. Default: those of `app`, and that of the database. */
  readonly services?: readonly string[]
}

const daemon = strict({
  file: text.default('/etc/docker/daemon.json'),
  restart: words.default(['systemctl', 'restart', 'docker']),
  pidFile: text.default('/var/run/docker.pid'),
  within: duration.default(60),
})

export const accessSchema = strict({
  pgHba: strict({
    file: text.default('/var/lib/postgresql/data/pg_hba.conf'),
    user: text,
    password: secretHandle.optional(),
    host: text.optional(),
    within: duration.default(30),
  }),
  daemon: daemon.prefault({}),
  composeFile: text.optional(),
  services: z.array(text).min(1, 'expected at least one service').readonly().optional(),
})

type Around = {
  readonly stack: Stack | undefined
  readonly database: Database | undefined
  readonly app: readonly string[]
}

/** @param wrong makes the error for a target that has no such database */
export function accessOf(
  raw: z.output<typeof accessSchema>,
  { stack, database, app }: Around,
  wrong: (what: string, hint: string) => Error,
  bearings: BasePaths,
): Access {
  if (stack?.kind !== 'compose' || database?.engine !== 'postgres' || database.via.kind !== 'compose') {
    throw wrong(
      'access is that to a Postgres in a Compose stack, and the target has none',
      'give it a stack of kind compose, and database.service',
    )
  }
  const { user, password, host = database.via.service, file, within } = raw.pgHba
  const via = {
    ...database.via,
    login: { host, password: password === undefined ? null : handleOf(password, bearings) },
  }
  const composeFile = raw.composeFile === undefined ? stack.files[0] : absolute(raw.composeFile, bearings)
  if (composeFile === undefined || !stack.files.includes(composeFile))
    throw wrong(
      `access.composeFile is ${composeFile}, which is no file of the stack`,
      `it has ${stack.files.join(', ')}`,
    )
  const names = raw.services ?? [...new Set([database.via.service, ...app])]
  return {
    pgHba: { file, login: { ...database, user, via }, withinSeconds: within },
    daemon: {
      file: absolute(raw.daemon.file, bearings),
      restart: raw.daemon.restart,
      pidFile: absolute(raw.daemon.pidFile, bearings),
      withinSeconds: raw.daemon.within,
    },
    composeFile,
    stack,
    services: { stack, names },
  }
}
