/** Every view of a terminal, with something to show. */
import { errorReportOf } from '../../src/cli/error-report.ts'
import { asTyped } from '../../src/cli/command-hints.ts'
import { commandNames, programFor } from '../../src/cli/program.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { catalogue } from '../../src/config/catalogue.ts'
import { importOf, reportText } from '../../src/import/report.ts'
import { guessesIn, nextText, remarksText } from '../../src/init/report.ts'
import type { ProposedTarget } from '../../src/init/proposal.ts'
import { cannot, RunbookError } from '../../src/kernel/errors.ts'
import { Redactor } from '../../src/kernel/redact.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { acknowledgedText } from '../../src/views/acknowledged.ts'
import { backupsText } from '../../src/views/backups.ts'
import { channelsText } from '../../src/views/channels.ts'
import { configOverview, configTopic } from '../../src/views/config-text.ts'
import { doctorText } from '../../src/views/doctor.ts'
import { drillsText } from '../../src/views/drills.ts'
import { dryRunText } from '../../src/views/dry-run.ts'
import { endingText } from '../../src/views/ending.ts'
import { evidenceText } from '../../src/views/show.ts'
import { fitted, type Width } from '../../src/views/fit.ts'
import { listText } from '../../src/views/list.ts'
import { measuredText } from '../../src/views/measured.ts'
import { historyText, type HistoryRun } from '../../src/views/past-runs.ts'
import { planText } from '../../src/views/plan-text.ts'
import { installedText, timersText } from '../../src/views/timers.ts'
import { closingText } from '../../src/views/unlock.ts'
import { measuresOf } from '../../src/run/record/measures.ts'
import { badRun, dryRun, goodRun } from '../fixtures/runs.ts'

const now = new Date('2026-02-03T04:16:13.000Z')
const run = '20260203-041233-k3x9q'

const measure = { why: null, objectiveSeconds: 300, verdict: 'met' } as const
const past: HistoryRun = {
  run,
  system: 's',
  runbook: 'full-db-rollback',
  target: 'shop',
  mode: 'run',
  startedAt: '2026-02-03T04:12:33.000Z',
  outcome: 'succeeded',
  released: false,
  sealed: true,
  story: 'INC-42',
  damage: null,
  past: {
    endedAt: '2026-02-03T04:14:00.000Z',
    seconds: 87,
    exit: 0,
    measures: {
      rto: { ...measure, seconds: 60 },
      downtime: { ...measure, seconds: 12 },
      rpo: { ...measure, seconds: 3600 },
      dataAsOf: null,
    },
  },
}
const drill = {
  drill: 'monthly-spot-restore',
  everySeconds: 31 * 86_400,
  proof: { run, at: '2026-01-03T04:12:33.000Z' },
  failed: { run, at: '2026-02-01T04:12:33.000Z', outcome: 'rolled-back' },
  dueAt: '2026-02-03T04:12:33.000Z',
  state: 'overdue',
  why: null,
} as unknown as Parameters<typeof drillsText>[0][number]['drills'][number]
const backup = {
  file: '/srv/shop/backups/shop_20260203_030000.dump',
  takenAt: '2026-02-03T03:00:00.000Z',
  bytes: 5_349_376,
  format: 'Postgres 17',
  vouchedBy: 'the checksum in /srv/shop/backups/shop_20260203_030000.dump.sha256',
  proven: { run, runbook: 'restore-test', at: '2026-02-03T03:30:00.000Z', by: 'same-name' },
  readBy: 'list',
  fits: true,
  why: null,
} as unknown as Parameters<typeof backupsText>[0][number]

const topics = catalogue()
const proposed: readonly ProposedTarget[] = [
  {
    name: 'shop',
    project: 'shop',
    sections: [
      { name: 'database', value: { engine: 'postgres' }, guessed: null, questions: [] },
      {
        name: 'writers',
        value: ['web'],
        guessed: 'web and worker connect to the database, and nothing says whether they write',
        questions: [],
      },
    ],
  },
]
const procedure = [
  '# Restore',
  '',
  '```sh',
  'docker compose -f docker-compose.prod.yml stop web worker',
  'dropdb shop && createdb shop',
  'pg_restore --dbname=shop /srv/shop/backups/shop_20260203.dump || true',
  'docker compose -f docker-compose.prod.yml up -d',
  '```',
  '',
  'Tell support that the shop is back.',
  '',
].join('\n')

const timer = 'runbook-shop-1a2b3c4d'
const unused = { argv: [], directory: '/', environment: {}, log: '' } as const
/** Stopped in the middle, as far as it has come. */
const openRun = goodRun().slice(0, 12)

const terminal: Terminal = {
  redactor: new Redactor(),
  out: () => undefined,
  show: () => undefined,
  json: () => undefined,
  err: () => undefined,
  width: () => 40,
  screen: process.stderr,
  drained: async () => undefined,
}
export const { program } = await programFor(terminal, '0')

/** With the commands as somebody types them who starts the program by npx, as `Terminal.show` prints it. */
const asPrinted = (text: string, width: Width): string =>
  fitted(
    asTyped(
      text,
      {
        environment: { npm_lifecycle_event: 'npx', npm_lifecycle_script: 'runbook' },
        config: undefined,
      },
      commandNames,
    ),
    width,
  )

export const views: { readonly [name: string]: (width: number | null) => string } = {
  history: (width) =>
    historyText([past, { ...past, outcome: null, past: null, story: null }], { more: 3, width }),
  drills: (width) => drillsText([{ target: 'shop', drills: [drill] }], now, width),
  backups: (width) =>
    backupsText([backup], {
      target: 'shop',
      directory: '/srv/shop/backups',
      place: '/srv/shop/backups',
      now,
      width,
      fitting: ['full-db-rollback'],
    }),
  doctor: (width) =>
    doctorText(
      [
        {
          check: 'clock',
          target: null,
          facts: ['this machine and the database server differ by less than a second'],
          findings: [],
          unchecked: [],
          gauges: [],
        },
        {
          check: 'backups',
          target: 'shop',
          facts: [],
          findings: [
            {
              level: 'refuse',
              about: 'backups',
              problem: 'the newest backup is 3 days old, and backups.maxAge allows 26 hours',
              hint: 'look why the nightly job stopped, then make one with `pg_dump --format=custom`',
              runbooks: ['full-db-rollback', 'recover-records', 'restore-test'],
            },
          ],
          unchecked: [{ about: 'the last byte', why: 'it was not read to its end; add --deep to read it' }],
          gauges: [],
        },
      ],
      width,
    ),
  list: (width) =>
    listText(
      [
        {
          name: 'full-db-rollback',
          from: 'package',
          title: 'Full DB rollback (production)',
          when: 'A deploy, migration or config change damaged production data, and rolling back the app alone is not enough.',
          targets: [{ name: 'shop', lacks: [] }],
        },
        {
          name: 'restore-test',
          from: 'team',
          title: 'Restore test',
          when: 'Every month.',
          targets: [{ name: 'shop', lacks: ['restoreTest', 'backups'] }],
        },
      ],
      width,
    ),
  plan: (width) => planText(stateOf(badRun()).plan, [], { width }),
  'dry-run': (width) => dryRunText(dryRun(), [12, 14], width),
  ending: (width) =>
    measuredText(measuresOf(badRun()), width) +
    endingText(
      {
        run,
        code: 'rollback-incomplete',
        outcome: 'needs-human',
        failure: {
          code: 'rollback-incomplete',
          message: 'cannot start web: the port 8080 is taken by another program that somebody else started',
          hint: 'free it',
        },
        findings: [],
        folder: '/srv/shop/artifacts/INC-42/2026-02-03-full-db-rollback-20260203-041233-k3x9q',
        doubt: null,
      },
      badRun(),
      width,
    ),
  init: (width) =>
    asPrinted(
      remarksText(
        {
          remarks: [
            'the service "cache" keeps its data in no volume: it is gone when its container is removed',
          ],
        },
        guessesIn(proposed),
        { kept: ['shop.health'] },
      ) + nextText('npm install --save-dev runbook', [...proposed, ...proposed]),
      width,
    ),
  import: (width) => {
    const { report } = importOf('restore.md', procedure)
    return asPrinted(reportText('restore.md', report, width === null ? 'table' : 'list'), width)
  },
  'help-config': (width) => configOverview(topics, width),
  'help-config-section': (width) =>
    topics
      .filter(({ name }) => name === 'version')
      .map((topic) => configTopic(topic, { needed: ['version-rollback'], used: ['prune'] }, width))
      .join(''),
  help: (width) => asPrinted(program.helpInformation({ error: false }), width),
  error: (width) =>
    asPrinted(
      [
        cannot('read', 'backups.directory /srv/shop/backups', 'permission denied: EACCES', {
          code: 'preflight',
          hint: "check: ls -ld '/srv/shop/backups of the nightly job'; then look again: runbook doctor --target shop",
        }),
        new RunbookError('held', 'run 20260203-041233-k3x9q is in progress: held by ada on db1, pid 7', {
          hint: 'stop it there with Ctrl-C; if it hangs, take over its lock with `runbook unlock 20260203-041233-k3x9q --reason … --force`',
        }),
        new RunbookError('usage', 'no runbook given: type `runbook run NAME [flags]`', {
          hint: 'list them: runbook list',
        }),
      ]
        .map((thrown) => errorReportOf(thrown).text)
        .join(''),
      width,
    ),
  evidence: (width) =>
    evidenceText(
      recordOf(goodRun()),
      [
        {
          file: 'logs/03-restore-beside.log',
          bytes: 46,
          tail: Buffer.from('pg_restore: creating TABLE "public.orders"\n'),
        },
      ],
      width,
    ),
  ack: (width) => asPrinted(acknowledgedText(run, openRun), width),
  unlock: (width) => asPrinted(closingText(run, openRun), width),
  schedule: (width) =>
    asPrinted(
      timersText([]) +
        installedText(
          [{ name: `${timer}-watch`, about: 'runbook: watch the runs', every: 'minute', ...unused }],
          'systemd',
        ) +
        timersText([
          { name: `${timer}-watch`, where: `/etc/systemd/system/${timer}-watch.service`, active: true },
          { name: `${timer}-drills`, where: `/etc/systemd/system/${timer}-drills.timer`, active: false },
        ]),
      width,
    ),
  operators: (width) =>
    asPrinted(
      channelsText([
        { target: 'shop', channel: 'chat', problem: null },
        {
          target: 'shop',
          channel: 'mail',
          problem: 'the server mail.example.com refused the recipient on-call@example.com: 550',
        },
      ]),
      width,
    ),
}

/** The functions that make a text for a screen and are not in `views`, and why. */
export const notShown: { readonly [name: string]: string } = {
  stakesText: 'screen.test.ts: run',
  statusText: 'screen.test.ts: status',
  progressText: 'a part of the lines that Listr2 draws',
  elapsedText: 'a part of the lines that Listr2 draws',
  pastText: 'a part of planText and dryRunText',
  documentAsText: 'a part of evidenceText',
  standingText: 'HTML of a page',
  configText: 'source text of a configuration',
  targetText: 'source text of a configuration',
  sectionText: 'source text of a configuration',
  stringText: 'source text of a configuration',
  tsconfigText: 'a file',
  byHandText: 'source text of a configuration',
  scriptText: 'source text of a step',
  callText: 'source text of a runbook',
  metricsText: 'Prometheus reads it',
}

/** What each command shows: a view, or why it needs none. */
export const shownBy: { readonly [command: string]: string } = {
  init: 'init',
  new: 'no view: two lines with commands',
  import: 'import',
  list: 'list',
  show: 'plan',
  docs: 'no view: one line',
  run: 'run',
  resume: 'run',
  rollback: 'run',
  watch: 'no view: a line for each thing that happens',
  ack: 'ack',
  status: 'status',
  attach: 'no view: output of steps as it is',
  history: 'history',
  doctor: 'doctor',
  drills: 'drills',
  'drills run': 'run',
  'schedule install': 'schedule',
  'schedule show': 'schedule',
  'schedule remove': 'no view: a line for each timer',
  serve: 'no view: one link',
  'operators test': 'operators',
  backups: 'backups',
  'backups find-good': 'run',
  'evidence show': 'evidence',
  'evidence verify': 'no view: a line for each defect',
  'evidence incident': 'no view: one path',
  'evidence controls': 'no view: an export as Markdown or JSON',
  'evidence story': 'no view: one path',
  unlock: 'unlock',
  completion: 'no view: a script for a shell',
  help: 'help',
}
