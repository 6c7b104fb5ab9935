import type { Database } from '../../../src/index.ts'

/** How rows of a database that was put aside get into the live one: a clause with the commands to type. */
export function carryOver(database: Database, kept: string): string {
  if (database.engine === 'sqlite')
    return carryOverFrom(`${database.file.slice(0, database.file.lastIndexOf('/'))}/${kept}`)
  return `to carry rows over, dump it (pg_dump --format=custom --file=FILE --dbname=${kept}), then ${command('FILE')}`
}

/** The same from a dump or a database file. */
export const carryOverFrom = (file: string): string => `to carry rows over, ${command(file)}`

const command = (file: string): string =>
  `runbook run recover-records --dump ${file} --tables TABLE:COLUMN --key KEY --export FOLDER`
