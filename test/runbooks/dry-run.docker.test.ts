import { tmpdir } from 'node:os'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guardArguments } from '../../src/adapters/postgres/server/first-start.ts'
import { allowedWrites, asksGit, strangers } from '../fixtures/allowed-writes.ts'
import { DockerRecorder } from '../fixtures/docker-recorder.ts'
import { expectAsForetold, newestRun } from '../fixtures/foretold-and-found.ts'
import { docker, program } from '../fixtures/requirements.ts'
import { openShop, writers, type Shop } from '../fixtures/shop.ts'
import { Trace } from '../fixtures/strace.ts'

const hour = 3_600_000

/** What ends a psql that reached the temporary server of a first start: it only reads. */
const guarded = guardArguments.join(' ').replaceAll(/[$()*+.?[\]^{|}\\]/g, String.raw`\$&`)

/** Every program that a dry run begins in a container: they read, and write to nothing but their own output. */
const looking = [
  new RegExp(
    `^psql ${guarded} --no-psqlrc --quiet --no-align --tuples-only --record-separator-zero --no-password --set=ON_ERROR_STOP=1 --set=VERBOSITY=verbose$`,
  ),
  /^pg_restore (--list|--file=\/dev\/null|--schema-only --file=-)$/,
  /^sh -c for tool do "\$tool" --version; done; true sh psql pg_dump pg_restore$/,
  /^df -P -k \S+$/,
  /^pg_dump --format=custom --schema-only --compress=0 --lock-wait-timeout=10s --no-password$/,
]

/** On this machine: the command of Docker and its Compose plugin, started by it or by itself, which say what they are, read the project, and begin the programs above. */
const tied = String.raw`^(/usr/bin/setpriv --pdeathsig KILL -- )?\S*`
const here = [
  asksGit,
  /^\/usr\/bin\/setpriv (--pdeathsig KILL -- \/usr\/bin\/setpriv )?--help$/,
  new RegExp(`${tied}docker exec `),
  new RegExp(`${tied}(docker compose|docker-compose( compose)?) version --short$`),
  new RegExp(
    `${tied}(docker compose|docker-compose( compose)?) --ansi never --project-name \\S+ --project-directory \\S+ --file \\S+ --env-file \\S+ --profile \\S+ config --format json$`,
  ),
  /\/docker-compose docker-cli-plugin-metadata$/,
  /^\S*node (--import \S+\/hooks\.js )?\S+\/bin\/runbook\.js run /,
]

/** A snapshot that is the same for all questions is a transaction, and one that may not write; so is that of a cursor. */
const reads = new RegExp(
  '^(SELECT |SET LOCAL \\w+ = |BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;$|COMMIT;$|DISCARD ALL;$' +
    "|DO +E?'DECLARE answer refcursor := ''rb_answer''; BEGIN OPEN answer FOR EXECUTE |FETCH \\d+ FROM rb_answer;$)",
)

/** Those of pg_dump, in a transaction that may not write. */
const listing =
  /^(SET [A-Za-z_]+ (=|TO) |SET SESSION CHARACTERISTICS |SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY$|BEGIN$|LOCK TABLE .* IN ACCESS SHARE MODE$|PREPARE \w+\(.*\) AS$|PREPARE \w+\(.*\) AS (SELECT|WITH) |EXECUTE |WITH |SELECT$)/

describe.skipIf(!docker() || !program('strace'))(
  'a dry run of full-db-rollback on Compose and Postgres',
  () => {
    let shop: Shop
    let badSince: string
    beforeAll(async () => {
      shop = await openShop()
      await shop.dump(new Date(Date.now() - 4 * hour))
      badSince = new Date(Date.now() - 3 * hour).toISOString()
      await shop.stack.sql("alter system set log_statement = 'all'")
      await shop.stack.sql("alter system set log_line_prefix = '<%a> '")
      await shop.stack.sql('select pg_reload_conf()')
    }, 120_000)
    afterAll(() => shop?.[Symbol.asyncDispose]())

    const arguments_ = (...more: readonly string[]): readonly string[] => [
      'run',
      'full-db-rollback',
      '--bad-since',
      badSince,
      '--confirm',
      shop.phrase,
      ...more,
    ]

    /** What is there of the stack, and what its containers have written outside volumes. */
    const containers = async (): Promise<unknown> => {
      const { stdout } = await execa('docker', [
        'ps',
        '--all',
        '--no-trunc',
        '--filter',
        `label=com.docker.compose.project=${shop.stack.project}`,
        '--format',
        '{{.ID}} {{.Image}} {{.State}} {{.Names}}',
      ])
      const ids = stdout
        .split('\n')
        .map((line) => line.split(' ')[0] ?? '')
        .sort()
      const facts = await Promise.all(
        ids.map((id) =>
          execa('docker', ['inspect', '--format', '{{.State.StartedAt}} {{.RestartCount}}', id]),
        ),
      )
      const changes = await Promise.all(ids.map((id) => execa('docker', ['diff', id])))
      return {
        all: stdout.split('\n').sort(),
        facts: facts.map((one) => one.stdout),
        changes: changes.map((one) => one.stdout.split('\n').sort()),
      }
    }

    const databases = (): Promise<unknown> =>
      shop.stack.sql('select datname, datdba, datacl::text, oid from pg_database order by 1')

    it.each(['beside', 'in-place'])(
      '%s: asks Docker and Postgres only to look, and the real run goes as it foretold',
      async (strategy) => {
        await shop.damage().catch(() => undefined)
        const before = [await containers(), await databases(), await shop.data()]
        using trace = new Trace()
        await using recorder = await DockerRecorder.open()
        const since = new Date().toISOString()
        const finished = await shop.start(arguments_('--dry-run', '--strategy', strategy), {
          env: { DOCKER_HOST: `unix://${recorder.socket}` },
          under: trace.argv,
        }).finished
        expect(finished.code, finished.stdout + finished.stderr).toBe(0)

        expect(recorder.acts).toEqual([])
        expect(
          strangers(
            recorder.programs.map((line) =>
              line.replace(/^env RUNBOOK_RUN=\S+ RUNBOOK_STEP=\S+ RUNBOOK_CALL=\S+ /, ''),
            ),
            looking,
          ),
        ).toEqual([])
        expect(recorder.programs.length).toBeGreaterThan(5)

        expect(strangers(trace.changed(), allowedWrites(shop.stack.dir, shop.artifacts, tmpdir()))).toEqual(
          [],
        )
        expect(strangers(trace.programs(), here)).toEqual([])
        // By docker_cli_… the docker command and its Compose plugin learn of each other's end.
        expect(
          trace
            .connections()
            .filter((to) => !to.startsWith('docker_cli_'))
            .toSorted(),
        ).toEqual([`127.0.0.1:${shop.stack.ports.backend}`, recorder.socket].toSorted())
        expect(trace.signals()).toEqual([])

        const log = (
          await execa('docker', ['logs', '--since', since, String(await shop.stack.containerId('db'))], {
            all: true,
          })
        ).all.split('\n')
        const asked = log.flatMap(
          (line) => /^<rb:[^>]*> LOG: {2}(?:statement|execute [^:]*): (.*)/.exec(line)?.[1] ?? [],
        )
        expect(asked.filter((statement) => !reads.test(statement) && !listing.test(statement))).toEqual([])
        expect(asked.length).toBeGreaterThan(1)
        expect([await containers(), await databases(), await shop.data()]).toEqual(before)

        const foretold = await newestRun(shop.artifacts)
        const real = await shop.type(arguments_('--strategy', strategy))
        expect(real.code, real.stdout + real.stderr).toBe(0)
        await expectAsForetold(foretold, shop.artifacts)
      },
      180_000,
    )

    it.each(['beside', 'in-place'])(
      '%s: takes no transaction number, so it wrote nothing into any database',
      async (strategy) => {
        await shop.stack.compose('stop', '--timeout', '5', ...writers)
        await shop.stack.sql('alter system set autovacuum = off')
        await shop.stack.sql('select pg_reload_conf()')
        const next = async (): Promise<unknown> =>
          (
            await shop.stack.sql(
              'select pg_snapshot_xmax(pg_current_snapshot())::text as next, (select sum(last_value) from pg_sequences)::text as sequences',
            )
          )[0]
        const before = await next()
        const finished = await shop.type(arguments_('--dry-run', '--strategy', strategy))
        expect(finished.code, finished.stdout + finished.stderr).toBe(0)
        expect(await next()).toEqual(before)
        // As a statement that writes does.
        await shop.stack.sql('create temporary table counted (one int)')
        expect(await next()).not.toEqual(before)
      },
      120_000,
    )
  },
)
