import { composeLine, shellWord, type Database } from '../../../src/index.ts'

/** The command that removes a database that was put aside, as a person types it. */
export function dropLine(database: Database, name: string): string {
  if (database.engine === 'sqlite')
    return `rm ${shellWord(`${database.file.slice(0, database.file.lastIndexOf('/'))}/${name}`)}`
  const { user, via } = database
  const drop = `--username ${shellWord(user)} ${shellWord(name)}`
  if (via.kind === 'compose') return composeLine(via.stack, `exec ${via.service} dropdb ${drop}`)
  return via.kind === 'server' ? `dropdb --host ${via.host} --port ${via.port} ${drop}` : `dropdb ${drop}`
}

/** How long a database that was put aside stays, as a clause. */
export const untilDropped = (database: Database, name: string): string =>
  `it stays until prune removes it, or, without retention in the configuration, until somebody does; by hand, once nobody needs it: ${dropLine(database, name)}`
