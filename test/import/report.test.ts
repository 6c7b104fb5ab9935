import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { proofOf } from '../../src/import/proofs.ts'
import { importOf, reportOn, reportText } from '../../src/import/report.ts'
import { writtenSteps } from '../../src/import/source.ts'
import { trapNames } from '../../src/import/traps.ts'
import { documents } from './documents.ts'

const text = [
  '# Restore',
  '',
  '1. Run `docker compose stop api`.',
  '2. Copy:',
  '',
  '   ```sh',
  '   scp /backups/shop.db /srv/shop/shop.db',
  '   bash scripts/own.sh --all',
  '   ```',
].join('\n')

test('a report has each command with its line and what becomes of it', () => {
  expect(reportOn(text).rows).toEqual([
    {
      line: 3,
      command: 'docker compose stop api',
      becomes: { as: 'step', step: 'stopServices' },
      draft: false,
      leftToRollback: false,
    },
    {
      line: 7,
      command: 'scp /backups/shop.db /srv/shop/shop.db',
      becomes: null,
      draft: true,
      leftToRollback: false,
    },
    {
      line: 8,
      command: 'bash scripts/own.sh --all',
      becomes: { as: 'script' },
      draft: true,
      leftToRollback: false,
    },
  ])
  expect(reportText('a.md', reportOn(text))).toBe(
    [
      '# Import of a.md',
      '',
      '3 commands: 2 recognised, 1 stay commands. Script steps to complete: 2. Duties: 0. Traps: 1.',
      '',
      '## Traps',
      '',
      '- line 7, sqlite-old-log: `scp /backups/shop.db /srv/shop/shop.db`',
      '  Why: an old -wal file beside it is replayed over the restored file: old data comes back, and integrity_check says ok.',
      '  Instead: remove the -wal and -shm files of the replaced database while nothing has it open; the steps swapDatabase and swapVolumeDatabase do.',
      '',
      '## Commands',
      '',
      '| line | command | becomes |',
      '| ---: | --- | --- |',
      '| 3 | `docker compose stop api` | step stopServices |',
      '| 7 | `scp /backups/shop.db /srv/shop/shop.db` | stays a command: script step (draft) |',
      '| 8 | `bash scripts/own.sh --all` | script step (draft) |',
      '',
      '## Proofs',
      '',
      '- `stopServices` (line 3): Docker says that no container of these services runs any more.',
      '- `runScpShopDb` (line 7): none yet: write its probe.',
      '- `runOwn` (line 8): none yet: write its probe.',
      '',
    ].join('\n'),
  )
})

test('a report has what a person is asked to do, and which steps are drafts of what the library has', () => {
  const report = reportText(
    'a.md',
    reportOn(
      '# Go\n\nThe desk is slow then. Tell the support team.\n\n- Uses the old image.\n- Ask the lead first.\n\n```sh\nsystemctl restart docker\n```\n\n1. Close the ticket\n',
    ),
  )
  expect(report).toContain('Script steps to complete: 1. Duties: 3.')
  expect(report).toContain(
    [
      '## Duties',
      '',
      '- line 3: The desk is slow then. Tell the support team.',
      '- line 6: Ask the lead first.',
      '- line 12: Close the ticket',
      '',
    ].join('\n'),
  )
  expect(report).toContain('| script step (draft); the library has restartDocker |')
})

test('a report says by what each start succeeds', () => {
  const commands = [
    'docker compose stop api',
    'docker tag shop/api:kept shop/api:latest',
    'docker compose up -d api',
    'echo MODE=off >> .env',
    'docker compose up -d api',
    'docker compose up -d api',
  ]
  const { proofs } = reportOn(`# Back\n\n\`\`\`sh\n${commands.join('\n')}\n\`\`\`\n`)
  expect(proofs.filter(({ step }) => step === 'bringUp')).toEqual([
    { step: 'bringUp', lines: [6], proof: 'each service runs the chosen image, by the id of the image' },
    {
      step: 'bringUp',
      lines: [8],
      proof: 'each service runs with the variables that the files have by then',
    },
    {
      step: 'bringUp',
      lines: [9],
      proof: "each service runs as the stack's files and images are by then",
    },
  ])
})

test('every step that an import writes and that changes something has its proof in words', () => {
  const effects = new Map(
    [...readFileSync('docs/steps.md', 'utf8').matchAll(/^\| `(\w+)` \| `[\w.-]+` \| ([^|]+) \|/gm)].map(
      ([, name = '', effect = '']) => [name, effect],
    ),
  )
  const proofless = [...writtenSteps].filter(
    (step) => !/^(looks|asks)/.test(effects.get(step) ?? '') && proofOf(step, "proof: 'image'") === null,
  )
  // What is written in place of them is proven.
  expect(proofless).toEqual(['restoreCopy'])
})

test('hostile text neither ends its code nor reaches the terminal', () => {
  const shown = reportText('a\u001b[2J.md', reportOn('```sh\nrm "`id`" \u001b[31m | cat\n```\n'))
  expect(shown).not.toContain('\u001b')
  expect(shown).toContain('| ``rm "`id`" \\u001b[31m \\| cat`` |')
})

test('what stands before several procedures is a duty of each, and no duty is lost', () => {
  const { duties, unplaced } = reportOn(
    `# Shop

## Before you start

- Tell the support team.

## Restart

\`\`\`sh
docker compose restart api
\`\`\`

## If it fails

\`\`\`sh
docker compose stop api
\`\`\`

## Afterwards

- [ ] Close the ticket.

## Contacts

Call the on-call engineer.

## Checklist

- [ ] Incoming traffic is stopped

## Contents

1. Restart
`,
  )
  expect(duties).toEqual([
    { line: 5, text: 'Tell the support team.' },
    { line: 21, text: 'Close the ticket.' },
  ])
  expect(unplaced).toEqual([
    { line: 25, text: 'Call the on-call engineer.' },
    { line: 29, text: 'Incoming traffic is stopped' },
  ])
  const { files } = importOf(
    'a.md',
    '# Shop\n\n## Prerequisites\n\nTell them.\n\n## A\n\n`docker stop a`\n\n## B\n\n`docker stop b`\n',
  )
  const runbooks = files.filter(({ path }) => path.startsWith('runbooks/'))
  expect(runbooks.map(({ text }) => text.includes("duty({ name: 'tell-them'"))).toEqual([true, true])
})

test('what is done if it fails is left out, and the report says so', () => {
  const report = reportText(
    'a.md',
    reportOn('# Go\n\n`docker stop a`\n\n## If it fails\n\n`docker start a`\n'),
  )
  expect(report).toContain('| 7 | `docker start a` | left out: a run that fails rolls back by itself |')
})

test('a document without commands has an empty report', () => {
  expect(reportOn('')).toEqual({
    rows: [],
    traps: [],
    credentials: [],
    proofs: [],
    duties: [],
    unplaced: [],
    samples: [],
    unread: [],
  })
  expect(reportText('a.md', reportOn('# Nothing\n'))).toContain('None found.')
})

test('shell that cannot be read is reported', () => {
  const report = reportOn('```sh\nif true; then\n```\n')
  expect(report.unread.length).toBeGreaterThan(0)
  expect(reportText('a.md', report)).toContain('## Not readable as shell')
})

describe.each(documents)('a document like those of teams: $name', ({ text, traps, least }) => {
  const report = reportOn(text)

  test('has its traps reported, and no other', () => {
    expect(report.traps.map(({ line, name }) => `${line} ${name}`)).toEqual(traps)
  })

  test('has most of its commands recognised', () => {
    const recognised = report.rows.filter(({ becomes }) => becomes !== null)
    expect(report.rows.length).toBeGreaterThan(3)
    expect(recognised.length / report.rows.length).toBeGreaterThanOrEqual(least)
    expect(report.unread).toEqual([])
  })
})

test('docs/import.md lists every kind of trap', () => {
  const listed = [...readFileSync('docs/import.md', 'utf8').matchAll(/^\| `([a-z-]+)` \|/gm)].map(
    ([, name]) => name,
  )
  expect(listed.sort()).toEqual([...trapNames].sort())
})
