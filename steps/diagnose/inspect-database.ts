import { defineStep, isPending, say, type Assertion, type Database, type Look } from '../../src/index.ts'
import { answerTo, meets } from '../databases/assert-restored.ts'
import { revisionsIn, versionTables } from '../migrations/lib/revision.ts'
import { lacking, observationsOfFailure, type Observed, type Observation } from './lib/observations.ts'

type Input = {
  readonly database: Database
  /** The configured assertions: the live data should meet them as a restored copy must. */
  readonly assertions: readonly Assertion[]
}

/**
 * Checks that the database answers, accepts writes, is intact, has one migration level, and meets the
 * configured assertions.
 */
export const inspectDatabase = defineStep<Input, Observed>({
  kind: 'diagnose.look-at-database',
  version: 1,
  effect: 'observe',
  secrets: lacking,
  timeoutSeconds: 300,
  describe: ({ database }) =>
    isPending(database)
      ? 'Checks the database.'
      : say`Checks that ${database.name} answers, is intact, has one migration level and meets the configured assertions.`,
  run: async (look, { database, assertions }) => {
    let otherwise = 'database-away'
    try {
      const { acceptsWrites, host } = await look.databases.identity(database)
      // It answers, so a later failure, such as a missing table, is about its data.
      otherwise = 'data-wrong'
      const readOnly = acceptsWrites
        ? []
        : [{ case: 'database-away', evidence: `${database.name} on ${host} accepts no writes` }]
      return {
        sights: [
          ...readOnly,
          ...(await integrity(look, database)),
          ...(await level(look, database)),
          ...(await data(look, database, assertions)),
        ],
      }
    } catch (thrown) {
      look.signal.throwIfAborted()
      return { sights: await withHolders(look, database, observationsOfFailure(thrown, otherwise)) }
    }
  },
})

async function integrity(look: Look, database: Database): Promise<readonly Observation[]> {
  if (database.engine !== 'sqlite') return []
  const rows = await look.databases.query(
    database,
    database.name,
    'select integrity_check as said from pragma_integrity_check limit 1',
  )
  const [verdict] = rows.map((row) => String(row['said']))
  return verdict === 'ok'
    ? []
    : [
        {
          case: 'database-damaged',
          evidence: `the integrity check of ${database.file} reports ${verdict ?? 'nothing'}`,
        },
      ]
}

async function level(look: Look, database: Database): Promise<readonly Observation[]> {
  const observations: Observation[] = []
  for (const table of await versionTables(look, database)) {
    const { length } = await revisionsIn(look, database, database.name, table)
    if (length !== 1)
      observations.push({
        case: 'migration-mismatch',
        evidence: `${database.name} has ${length} migration levels in ${table}, not one`,
      })
  }
  return observations
}

async function data(
  look: Look,
  database: Database,
  assertions: readonly Assertion[],
): Promise<readonly Observation[]> {
  const observations: Observation[] = []
  for (const assertion of assertions) {
    const answer = await answerTo(look, database, database.name, assertion)
    if (!meets(answer, assertion.expect))
      observations.push({
        case: 'data-wrong',
        evidence: `assertion "${assertion.name}" failed: found ${JSON.stringify(answer)}`,
      })
  }
  return observations
}

/** Adds the processes that hold the file of a locked database. */
async function withHolders(
  look: Look,
  database: Database,
  observations: readonly Observation[],
): Promise<readonly Observation[]> {
  if (!observations.some((observation) => observation.case === 'database-locked')) return observations
  const holders = await look.databases.sessions(database, database.name).catch(() => [])
  const by = holders.map(({ id, application }) => `${application} (${id})`).join(', ')
  return by === ''
    ? observations
    : observations.map((observation) =>
        observation.case === 'database-locked'
          ? { ...observation, evidence: `${observation.evidence}; open in ${by}` }
          : observation,
      )
}
