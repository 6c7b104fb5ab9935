import { composeLine, shellWord, type Database } from '../../../src/index.ts'

/** How rows of a database that was put aside get into the live one: a clause with the commands to type. */
export function carryOver(database: Database, kept: string): string {
  if (database.engine === 'sqlite')
    return carryOverFrom(`${database.file.slice(0, database.file.lastIndexOf('/'))}/${kept}`, 'unsigned')
  return `to carry rows over, dump it (${dumpLine(database, kept)}), make its checksum (sha256sum FILE > FILE.sha256), then: ${command('FILE')}`
}

/** In a container without a terminal, which would change the bytes of the dump. */
function dumpLine({ user, via }: Extract<Database, { readonly engine: 'postgres' }>, name: string): string {
  const dump = `--username ${shellWord(user)} --format=custom --dbname=${shellWord(name)}`
  if (via.kind === 'compose') return composeLine(via.stack, `exec -T ${via.service} pg_dump ${dump} > FILE`)
  const server = via.kind === 'server' ? `--host ${shellWord(via.host)} --port ${via.port} ` : ''
  return `pg_dump ${server}${dump} --file=FILE`
}

/**
 * The same from a dump or a database file. One that the run signed is known as it is; of another, a checksum says that it
 * is what the operator wants.
 */
export function carryOverFrom(file: string, how: 'signed' | 'unsigned'): string {
  if (how === 'signed') return `to carry rows over: ${command(shellWord(file))}`
  const [folder, name] = [file.slice(0, file.lastIndexOf('/')), file.slice(file.lastIndexOf('/') + 1)]
  const checksum = `(cd ${shellWord(folder)} && sha256sum ${shellWord(name)} > ${shellWord(`${name}.sha256`)})`
  return `to carry rows over, make its checksum: ${checksum}, then: ${command(shellWord(file))}`
}

const command = (file: string): string =>
  `runbook run recover-records --dump ${file} --tables TABLE:COLUMN --all-missing --export FOLDER`
