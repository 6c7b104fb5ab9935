import { openSqlite } from '../fixtures/sqlite-world.ts'
import { databasesContract } from './databases.contract.ts'

databasesContract('sqlite, write-ahead log', () => openSqlite('WAL'))
databasesContract('sqlite, rollback journal', () => openSqlite('DELETE'))
