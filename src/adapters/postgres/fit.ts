import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { cannot } from '../../kernel/errors.ts'
import type { Dump, Fit } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { needsReader, type DumpNeeds } from './archive/contents.ts'
import { dumpStream } from './archive/dump-stream.ts'
import { clientError, maintenance, records } from './server/psql.ts'
import type { Server } from './server/server.ts'

const offers = `
SELECT json_build_object(
  'roles', (SELECT json_agg(rolname) FROM pg_catalog.pg_roles),
  'extensions', (SELECT json_agg(name) FROM pg_catalog.pg_available_extensions),
  'superuser', (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user));`

type ServerOffers = {
  readonly roles: readonly string[]
  readonly extensions: readonly string[] | null
  readonly superuser: boolean
}

/** Missing owners matter only if the restore sets them: see ownership.ts. */
export async function fit(server: Server, dump: Dump, scope: Scope): Promise<Fit> {
  const [answer] = await records(
    server,
    {
      database: maintenance(server),
      doing: `read the roles and extensions of ${server.host}`,
      script: offers,
    },
    scope,
  )
  const { roles, extensions, superuser } = answer as unknown as ServerOffers
  const needs = await needsOf(server, dump, scope)
  const required = new Set([...needs.grantees, ...(superuser ? needs.owners : [])])
  return {
    missingRoles: [...required].filter((role) => !roles.includes(role)).toSorted(),
    missingExtensions: needs.extensions.filter((extension) => !(extensions ?? []).includes(extension)),
  }
}

async function needsOf(server: Server, { file, bytes }: Dump, scope: Scope): Promise<DumpNeeds> {
  const { stream } = dumpStream(file, { expected: null, total: bytes }, { progress: () => undefined })
  const reader = needsReader()
  const schema = new PassThrough()
  const lines = createInterface({ input: schema, crlfDelay: Infinity }).on('line', reader.line)
  const read = new Promise((resolve) => lines.once('close', resolve))
  try {
    const ended = await server.run(
      {
        program: 'pg_restore',
        args: ['--schema-only', '--file=-'],
        database: null,
        stdin: stream,
        stdout: schema,
      },
      scope,
    )
    if (ended.exitCode !== 0) {
      throw cannot('read the requirements of', `dump ${file}`, clientError(ended).message, {
        code: 'verification',
        hint: 'choose another dump',
      })
    }
    await read
    return reader.needs()
  } finally {
    lines.close()
    schema.destroy()
  }
}
