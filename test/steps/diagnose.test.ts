import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { remediesFile } from '../../scripts/shipped-runbooks.ts'
import { param } from '../../src/model/param.ts'
import { runbook, type Runbook } from '../../src/model/runbook.ts'
import { knownIssues } from '../../steps/diagnose/lib/known-issues.ts'
import { notOwned } from '../../steps/diagnose/inspect-volumes.ts'
import {
  observationsIn,
  observationsOfFailure,
  observationsOfState,
} from '../../steps/diagnose/lib/observations.ts'
import { escalationOf } from '../../steps/diagnose/report-findings.ts'
import { remedies } from '../../steps/diagnose/lib/remedies.ts'
import { suggestionFor } from '../../steps/diagnose/lib/suggestion.ts'

const range = (document: string, from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${document}.${from + index}`)

/** The troubleshooting lines and scenarios of the five documents, by their numbers. */
const troubleshooting = [
  ...range('S0', 28, 31),
  ...range('S1', 76, 82),
  ...range('S2', 1, 6),
  ...range('S2', 35, 38),
  ...range('S4', 9, 24),
  'S4.71',
  'S4.79',
  ...range('S4', 90, 106),
]

/** The lines that each case covers. */
const linesOf: { readonly [id: string]: readonly string[] } = {
  'stack-missing': [],
  'project-differs': [],
  'compose-broken': [],
  'services-unread': [],
  'daemon-settings': ['S2.37', 'S2.38'],
  'auth-refused': ['S2.35', 'S2.36'],
  'database-locked': ['S4.13', 'S4.90', 'S4.91'],
  'database-away': [],
  'database-damaged': ['S4.15', 'S4.16'],
  'data-wrong': ['S4.14'],
  'out-of-memory': [],
  'model-missing': ['S4.92', 'S4.106'],
  'port-taken': ['S4.93'],
  'disk-full': ['S1.72', 'S1.73', 'S1.74'],
  'volume-missing': ['S4.103', 'S4.104'],
  'permissions-wrong': ['S4.105'],
  'downgrade-refused': ['S4.94', 'S4.95', 'S4.96', 'S4.97', 'S4.98'],
  'migration-mismatch': ['S2.2', 'S4.17', 'S4.18', 'S4.19', 'S4.20'],
  'wrong-backup': ['S4.99', 'S4.100', 'S4.101', 'S4.102'],
  'service-stopped': [],
  'deploy-failed': ['S2.1', 'S4.9', 'S4.10', 'S4.11', 'S4.12'],
  'configuration-bad': ['S2.3', 'S4.21', 'S4.22', 'S4.23', 'S4.24'],
  'image-missing': ['S0.28', 'S0.29', 'S0.30', 'S0.31'],
  'backup-stale': ['S2.4'],
  'mount-unavailable': ['S1.76', 'S1.77'],
  'checksum-mismatch': ['S1.78', 'S1.79', 'S1.80'],
  'checksum-missing': [],
  'backup-unusable': [],
  'gpg-fails': ['S1.81', 'S1.82'],
  'project-deleted': ['S4.71'],
  'document-corrupted': ['S4.79'],
  'exports-harm': [],
  'no-way-back': ['S2.5', 'S2.6'],
  'host-unread': [],
}

test('every troubleshooting line of the documents is covered by one case', () => {
  expect(Object.keys(linesOf).sort()).toEqual(knownIssues.map(({ id }) => id).sort())
  const covered = Object.values(linesOf).flat()
  expect(troubleshooting.filter((line) => !covered.includes(line))).toEqual([])
  expect(covered).toHaveLength(new Set(covered).size)
})

test('cases are told apart by their ids', () => {
  expect(new Set(knownIssues.map(({ id }) => id)).size).toBe(knownIssues.length)
})

test('every runbook that offers itself as a remedy is named by a case', () => {
  const named = knownIssues.flatMap(({ next }) => next).map((one) => one.split(' ')[0])
  expect(remedies.map(({ runbook }) => runbook).filter((name) => !named.includes(name))).toEqual([])
})

test('a remedy names every parameter that must be given, and no other word', () => {
  const needy = (remedy: { readonly to?: string; readonly as?: string }) =>
    runbook(
      'needy',
      {
        title: 'Needy',
        when: 'Never.',
        needs: ['health'],
        remedy,
        params: { to: param.text('To'), as: param.text('As').optional() },
      },
      () => undefined,
    )
  expect(remediesFile([needy({ to: 'TAG', as: 'NAME' })])).toContain(
    '[{"runbook":"needy","needs":["health"],"flags":" --to TAG --as NAME"}]',
  )
  expect(() => remediesFile([needy({ as: 'NAME' })])).toThrow('the remedy of needy omits to')
  const wrong: Runbook = { ...needy({}), about: { ...needy({}).about, remedy: { to: 'TAG', other: 'X' } } }
  expect(() => remediesFile([wrong])).toThrow('names other, which is not a parameter')
})

/** They prove, prepare or publish, or come after something else: no trouble leads to them. */
const noAnswers = [
  'diagnose',
  'find-good-backup',
  'find-good-volume-backup',
  'monthly-spot-restore',
  'post-rollback-validation',
  'quarterly-full-drill',
  'release-fetch',
  'release-publish',
  'restore-test',
  'sign-backup',
  'stack-snapshot',
]

test('every runbook that a case names is there, and every one that is there answers some case', () => {
  const there = readdirSync(join(import.meta.dirname, '..', '..', 'runbooks')).map((file) =>
    file.replace(/\.ts$/, ''),
  )
  const named = new Set(knownIssues.flatMap(({ next }) => next).map((one) => one.split(' ')[0] ?? one))
  expect([...named].filter((name) => !there.includes(name))).toEqual([])
  expect([...named].filter((name) => !remedies.some(({ runbook }) => runbook === name))).toEqual([])
  const unanswered = there.filter((name) => !named.has(name) && !noAnswers.includes(name))
  expect(
    unanswered,
    unanswered
      .map(
        (name) =>
          `runbook ${name} is neither suggested by a known issue nor listed in noAnswers: name it in \`next\` ` +
          'of an issue in steps/diagnose/lib/known-issues.ts, or add it to noAnswers in this file',
      )
      .join('\n'),
  ).toEqual([])
})

test('an owner or a mode that differs is told, each bit of it', () => {
  const wanted = { uid: 1000, gid: 1000, mode: 0o600 }
  expect(notOwned(wanted, wanted)).toBeNull()
  expect(notOwned({ ...wanted, mode: 0o100600 }, wanted)).toBeNull()
  expect(notOwned({ uid: 0, gid: 0, mode: 0o644 }, wanted)).toBe(
    'has mode and owner 0644 0:0, expected 0600 1000:1000',
  )
})

test('the escalation is told first to last, with whom to call', () => {
  expect(
    escalationOf({
      contacts: [{ role: 'admin', reach: '+1' }],
      escalation: [
        { what: 'Roll back.', runbooks: [], who: null },
        { what: 'Call.', runbooks: [], who: 'admin' },
      ],
    }),
  ).toEqual(['if that does not help, step 1: Roll back.', 'if that does not help, step 2: Call. (admin: +1)'])
})

test('a runbook is named only where the target has what it needs', () => {
  expect(suggestionFor(['full-db-rollback'], 'shop', ['database'])).toBeNull()
  expect(suggestionFor(['no-such-runbook'], 'shop', [])).toBeNull()
  expect(suggestionFor(['auth-rollback --what daemon'], 'shop', ['access', 'health'])?.command).toBe(
    'runbook run auth-rollback --target shop --what daemon --dry-run',
  )
})

test.each([
  ['sqlite3.OperationalError: database is locked', 'database-locked'],
  ['database disk image is malformed', 'database-damaged'],
  ["Can't downgrade, would delete data", 'downgrade-refused'],
  ['sqlite3.OperationalError: no such column: documents.status', 'migration-mismatch'],
  ['FATAL:  no pg_hba.conf entry for host "172.18.0.3"', 'auth-refused'],
  ['[Errno 98] Address already in use', 'port-taken'],
  ['exec: no such file or directory', 'volume-missing'],
  ['PermissionError: [Errno 13] Permission denied', 'permissions-wrong'],
])('the words "%s" speak for %s', (line, id) => {
  expect(observationsIn(`started\n${line}\nended`, 'a log').map((sight) => sight.case)).toEqual([id])
})

test('of a log, only the words are told on, and how often', () => {
  expect(
    observationsIn('ada@example.org: database is locked\nbob: database is locked\n', 'the log of api'),
  ).toEqual([
    { case: 'database-locked', evidence: 'the log of api says "database is locked", 2 similar matches' },
  ])
  expect(observationsIn('all is well', 'a log')).toEqual([])
})

test('a service that was told to stop, and is not needed, is no trouble', () => {
  const instance = { id: 'a', image: 'a', imageId: 'a', startedAt: null, exitCode: 143, outOfMemory: false }
  const state = { service: 'smoke', state: 'stopped', health: 'none', instances: [instance] } as const
  expect(observationsOfState(state, false)).toEqual([])
  for (const exitCode of [0, 130, 137, 143]) {
    const ended = { ...state, instances: [{ ...instance, exitCode }] }
    expect(observationsOfState(ended, false)).toEqual([])
    expect(observationsOfState(ended, true)).toEqual([
      { case: 'service-stopped', evidence: 'smoke is stopped' },
    ])
  }
  expect(observationsOfState({ ...state, instances: [{ ...instance, exitCode: 1 }] }, false)).toEqual([
    { case: 'deploy-failed', evidence: 'smoke ended with exit code 1' },
  ])
})

test.each([
  [
    'cannot list the containers of shop: Docker does not answer at unix:///x.sock (ENOENT)',
    'daemon-settings',
  ],
  [
    'cannot list the containers of shop: no permission to use Docker at unix:///var/run/docker.sock',
    'host-unread',
  ],
  [
    'cannot read the Compose files of shop: open /srv/common.yml: no such file or directory',
    'compose-broken',
  ],
  [
    'cannot read the Compose files of shop: yaml: line 21: did not find expected node content',
    'compose-broken',
  ],
  [
    'cannot find db of the project shop: it has no container there, and the project other has one from the same files',
    'project-differs',
  ],
  ['cannot use Docker Compose: version 2 is not installed', 'services-unread'],
  ['the database says: database is locked', 'database-locked'],
])('a failed look is about what stopped it: %s', (message, expected) => {
  expect(observationsOfFailure(new Error(message), 'services-unread')).toEqual([
    { case: expected, evidence: message },
  ])
})
