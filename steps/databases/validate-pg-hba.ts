import { cannot, defineStep, isPending, RunbookError, say, type PgHba } from '../../src/index.ts'
import type { FoundCopy, ValidatedCopy } from '../config/find-copy.ts'
import { loadedAt } from './lib/loaded-at.ts'

type Input = { readonly copy: FoundCopy; readonly pgHba: PgHba }

/**
 * Exit code for rules that the server refuses; any other failure means that no throwaway server could be
 * asked.
 */
const refused = 3

/**
 * Starts a server on empty data with the rules: at startup, Postgres refuses rules that it cannot parse, or
 * that are empty. The view pg_hba_file_rules would need a login, and reports lines that a server accepts too,
 * such as `hostssl` without TLS. No network, so no client can connect; data and server are removed with the
 * container.
 */
const inside = `
set -e
PATH=$RUNBOOK_PATH
folder=$(mktemp -d)
initdb --pgdata "$folder/data" --username postgres --auth trust --no-sync >/dev/null
cat >>"$folder/data/postgresql.conf" <<END
hba_file = '$RUNBOOK_RULES'
listen_addresses = ''
unix_socket_directories = '$folder'
fsync = off
END
pg_ctl --pgdata "$folder/data" --wait --timeout 60 start || exit ${refused}
pg_ctl --pgdata "$folder/data" --mode immediate stop >/dev/null`

/** Postgres refuses to run as root. */
const script =
  'export RUNBOOK_RULES="$1" RUNBOOK_PATH="$PATH"; if [ "$(id -u)" = 0 ]; then exec su -s /bin/sh -c "$2" postgres; else exec sh -c "$2"; fi'

/** The path goes into postgresql.conf, where quotes and backslashes are special. */
const plainPath = /^[\w./@+-]+$/

/**
 * Starts a throwaway Postgres from the database's own image with the rules of the copy, which is not moved.
 * @throws RunbookError `verification` where Postgres refuses the rules, `failed` where no throwaway server
 * could start
 */
export const validatePgHba = defineStep<Input, ValidatedCopy>({
  kind: 'access.judge-pg-hba',
  leaves: ['processes', 'containers'],
  version: 1,
  effect: 'exercise',
  timeoutSeconds: 180,
  describe: ({ copy }) =>
    say`Validates ${isPending(copy) ? copy : copy.from} in a throwaway Postgres from the same image.`,
  preflight: async (look, { pgHba }) => {
    if (isPending(pgHba) || (await loadedAt(look, pgHba)) === null) return []
    const { user } = pgHba.login
    return [
      {
        level: 'warn',
        about: 'pg_hba.conf',
        problem: `${user} can log in with the present rules`,
        hint: 'check whether pg_hba.conf is the cause: runbook diagnose --symptom auth',
      },
    ]
  },
  predict: ({ input: { copy } }) => ({
    output: isPending(copy) ? null : { ...copy, judgedBy: 'a throwaway Postgres' },
  }),
  run: async (io, { copy, pgHba }) => {
    if (!plainPath.test(copy.from))
      throw cannot(
        'validate',
        JSON.stringify(copy.from),
        'its path has characters that are special to Postgres',
        {
          code: 'verification',
          hint: 'rename the copy',
        },
      )
    const { stack, service } = pgHba.login.via
    const { exitCode } = await io.services.runOneOff(stack, service, [
      'sh',
      '-c',
      script,
      'sh',
      copy.from,
      inside,
    ])
    if (exitCode === refused)
      throw new RunbookError('verification', `Postgres does not start with ${copy.from}`, {
        hint: 'the log of this step has the line',
      })
    if (exitCode !== 0)
      throw cannot('validate', copy.from, `the throwaway Postgres ended with exit code ${exitCode}`, {
        code: 'failed',
        hint: `the image of ${service} must have sh, su, initdb and pg_ctl`,
      })
    return { ...copy, judgedBy: 'a throwaway Postgres' }
  },
})
