import type { ComposePostgres, PostgresDatabase } from '../drivers/databases.ts'
import type { ComposeStack, ServiceGroup } from '../drivers/services.ts'
import { app } from './app.ts'
import { database } from './database.ts'
import { section } from './parts/section.ts'
import { duration, secretHandle, services, strict, text, words } from './parts/values.ts'
import { stack } from './stack.ts'

/** The files that control access to Docker and Postgres, each with an earlier copy to return to. */
export type Access = {
  readonly pgHba: PgHba
  readonly daemon: DaemonSettings
  /** The Compose file of the stack that is restored. */
  readonly composeFile: string
  readonly stack: ComposeStack
  /** The services that must run when access is restored. */
  readonly services: ServiceGroup
}

export type PgHba = {
  /** Path in the container of the database. */
  readonly file: string
  /** How the application logs in over TCP. */
  readonly login: PostgresDatabase & { readonly via: ComposePostgres }
  readonly withinSeconds: number
}

export type DaemonSettings = {
  readonly file: string
  /** Program and arguments that restart the daemon; it exits when the daemon runs or failed to start. */
  readonly restart: readonly string[]
  /** The daemon writes it at each start, which shows that a restart happened. */
  readonly pidFile: string
  readonly withinSeconds: number
}

const pgHba = strict({
  file: text
    .default('/var/lib/postgresql/data/pg_hba.conf')
    .describe('Path of the file in the container of the database.'),
  user: text.describe("The application's own role; its login proves that the application is let in."),
  password: secretHandle.optional().describe('Password of that role.').meta({ otherwise: 'no password' }),
  host: text
    .optional()
    .describe('The name by which other services reach the database.')
    .meta({ otherwise: 'the service of the database' }),
  within: duration.prefault('30s').describe('Longest time until the application can log in.'),
})

const daemon = strict({
  file: text.default('/etc/docker/daemon.json').describe('The settings file of the Docker daemon.'),
  restart: words
    .default(['systemctl', 'restart', 'docker'])
    .describe('Restarts the daemon: a program and its arguments.'),
  pidFile: text
    .default('/var/run/docker.pid')
    .describe('The file in which the daemon writes its pid at each start.'),
  within: duration.prefault('1m').describe('Longest time for Docker to answer after a restart.'),
})

export const access = section({
  about:
    "What `auth-rollback` restores: the server's pg_hba.conf, the settings of the Docker daemon, and the Compose file. Requires a Compose stack that contains the Postgres server.",
  schema: strict({
    pgHba: pgHba.describe('Client authentication of Postgres.'),
    daemon: daemon.prefault({}).describe('The Docker daemon.'),
    composeFile: text
      .optional()
      .describe('The Compose file to restore, one of `stack.files`.')
      .meta({ otherwise: 'the first file of the stack' }),
    services: services
      .optional()
      .describe('Services that must run when access is restored.')
      .meta({ otherwise: 'those of `app`, and that of the database' }),
  }),
  example: { pgHba: { user: 'shop', password: { env: 'SHOP_DB_PASSWORD' } } },
  resolve: (raw, { path, secret, other, unusable }): Access => {
    const own = other(stack)
    const live = other(database)
    if (own?.kind !== 'compose' || live?.engine !== 'postgres' || live.via.kind !== 'compose') {
      throw unusable(
        'access requires a Postgres in a Compose stack, but the target has none',
        'set a stack of kind compose, and database.service',
      )
    }
    const { user, password, host = live.via.service, file, within } = raw.pgHba
    const via = { ...live.via, login: { host, password: secret(password) } }
    const composeFile = raw.composeFile === undefined ? own.files[0] : path(raw.composeFile)
    if (composeFile === undefined || !own.files.includes(composeFile))
      throw unusable(
        `access.composeFile is ${composeFile}, which is not one of stack.files`,
        `stack.files are ${own.files.join(', ')}`,
      )
    const names = raw.services ?? [...new Set([live.via.service, ...(other(app)?.names ?? [])])]
    return {
      pgHba: { file, login: { ...live, user, via }, withinSeconds: within },
      daemon: {
        file: path(raw.daemon.file),
        restart: raw.daemon.restart,
        pidFile: path(raw.daemon.pidFile),
        withinSeconds: raw.daemon.within,
      },
      composeFile,
      stack: own,
      services: { stack: own, names },
    }
  },
})
